/**
 * The one clock. Everything that compares times asks it, so that a test which sets `Date` moves the whole service.
 * Workers freeze `Date.now()` between I/O; no caller may need a finer answer.
 */

/** Milliseconds since the epoch. */
export const now = (): number => Date.now()

/** Whole seconds since the epoch, as chains and authorizations count. */
export const nowSeconds = (): number => Math.floor(now() / 1000)
