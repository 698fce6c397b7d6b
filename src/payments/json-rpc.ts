/** A node could not be asked, or did not answer in its protocol. */
export class ChainError extends Error {
  override name = 'ChainError'
  /** The code of a JSON-RPC error; 3 is a call that reverts. */
  readonly code: number | undefined

  constructor(message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** Calls one method of a node. @throws ChainError, whose text never holds the URL: that may hold the operator's key */
export type CallRpc = <Result>(method: string, parameters: unknown[], timeoutMs?: number) => Promise<Result>

const REQUEST_TIMEOUT_MS = 5_000

/** Creates the caller of the JSON-RPC node at `url`. */
export const createRpc =
  (url: string): CallRpc =>
  async <Result>(method: string, params: unknown[], timeoutMs = REQUEST_TIMEOUT_MS) => {
    let body: { result?: Result; error?: { code: number } } | null
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (!response.ok) throw new ChainError(`${method}: HTTP ${response.status}`)
      body = await response.json()
    } catch (cause) {
      if (cause instanceof ChainError) throw cause
      throw new ChainError(`${method}: ${cause instanceof Error ? cause.name : 'no answer'}`)
    }
    if (body?.error || body?.result === undefined) {
      throw new ChainError(`${method}: RPC error ${body?.error?.code ?? ''}`, body?.error?.code)
    }
    return body.result
  }
