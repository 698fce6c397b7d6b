import { UpstreamError } from './upstream-error.ts'

/** What an aborted fetch throws, by whatever name. */
export const isTimeOut = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')

/**
 * A response's body, piece by piece, counted as it comes (after decompression): a length that is announced is nobody's
 * promise. Whoever stops reading ends the response.
 * @throws UpstreamError `too_large` after `most` bytes, `timed_out`, `lost`
 */
export async function* readPieces(response: Response, most: number): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  if (!reader) return
  const begun = { mayHaveBegun: true }
  let left = most
  let isWhole = false
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown): never => {
        if (isTimeOut(error)) throw new UpstreamError('timed_out', 'the answer took too long', begun)
        throw new UpstreamError('lost', 'the answer broke off', begun)
      })
      if (done) {
        isWhole = true
        return
      }
      left -= value.byteLength
      if (left < 0) throw new UpstreamError('too_large', `the answer has more than ${most} bytes`, begun)
      yield value
    }
  } finally {
    if (!isWhole) await reader.cancel().catch(() => undefined)
  }
}

/** What an error says is not read further than this. */
const MAX_ERROR_BYTES = 64 * 1024

/** The body of an error: its JSON, or its text; null where there is none to be had. Never throws. */
export async function readErrorAnswer(response: Response): Promise<unknown> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const piece of readPieces(response, MAX_ERROR_BYTES)) text += decoder.decode(piece, { stream: true })
    return JSON.parse(text) as unknown
  } catch {
    return text || null
  }
}
