/** How a provider's calls may be made otherwise than usual; tests do. */
export interface ProviderOptions {
  /** Waits so many milliseconds between attempts. */
  readonly pause?: (ms: number) => Promise<void>
  /** For every call, instead of the provider's own. */
  readonly timeoutMs?: number
  /** Of one output, instead of what its kind may have. */
  readonly maxOutputBytes?: number
}
