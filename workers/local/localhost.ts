import dns from 'node:dns'
import type { LookupFunction } from 'node:net'

const LOOPBACK = { address: '127.0.0.1', family: 4 } as const

/** Whether this name means this machine (RFC 6761), as browsers and curl read it: `localhost` and all below it. */
export const isLocalhost = (hostname: string): boolean => /(^|\.)localhost\.?$/i.test(hostname)

// The original, kept so that it can still be reached once it has been replaced.
const original = dns.lookup

/**
 * Looks names up as `dns.lookup` does, but knows that `*.localhost` is this machine, which not every system tells Node.
 * Fits the `lookup` option of `net`, `http` and axios agents.
 */
export const lookupLocalhost: LookupFunction = (hostname, options, callback) => {
  if (!isLocalhost(hostname)) {
    original(hostname, options, callback)
  } else if (options.all) {
    process.nextTick(callback, null, [LOOPBACK])
  } else {
    process.nextTick(callback, null, LOOPBACK.address, LOOPBACK.family)
  }
}

/** Makes all that connects by name in this process, `fetch` too, find `*.localhost`. Repeating it does nothing. */
export function installLocalhostLookup(): void {
  if (dns.lookup !== original) return
  const replacement = (hostname: string, ...rest: unknown[]): void => {
    const callback = rest.pop() as Parameters<LookupFunction>[2]
    const [options = {}] = rest
    lookupLocalhost(hostname, typeof options === 'number' ? { family: options } : { ...(options as object) }, callback)
  }
  // The promisified form and whatever else hangs on the original stays.
  Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original))
  dns.lookup = replacement as typeof dns.lookup
}
