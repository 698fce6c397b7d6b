import { ApiError } from '../errors.ts'
import { pour } from '../parts.ts'
import type { ResultStore } from './result-store.ts'
import type { WorkResult } from './sale.ts'

const failToKeep = (cause: unknown): never => {
  throw new ApiError('processing_failed', { cause, message: 'The result could not be kept.' })
}

/** Whoever worked died or took too long while its result came: nothing is lost, and another try may do better. */
const failToRead = (cause: unknown): never => {
  throw new ApiError('processor_unavailable', { cause })
}

/** A stream's pieces, until `signal` says that it takes too long. */
async function* readPieces(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  // So that whoever works stops, too, and a read that hangs ends.
  const cancel = () => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(failToRead)
      if (signal.aborted) failToRead(signal.reason)
      if (done) return
      yield value
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

/**
 * Keeps a result in the store, while it comes: up to 5 MB in one piece, which `bytes` answers, a larger one part by
 * part, and then nobody holds it. Nothing is kept if it fails.
 * @throws ApiError `processor_unavailable` if the result breaks off, `processing_failed` if the store does not keep it
 */
export async function keepResult(
  { body, headers }: WorkResult,
  key: string,
  results: ResultStore,
  signal: AbortSignal,
): Promise<{ readonly size: number; readonly bytes: Uint8Array | null }> {
  const contentType = headers['Content-Type'] ?? 'application/octet-stream'
  const begin = async () => {
    const writer = await results.begin(key, contentType).catch(failToKeep)
    return { ...writer, write: (part: Uint8Array) => writer.write(part).catch(failToKeep) }
  }
  const { size, bytes, writer } = await pour(readPieces(body, signal), begin)
  try {
    await (writer ? writer.finish() : results.put(key, bytes, contentType))
  } catch (cause) {
    await writer?.abort()
    failToKeep(cause)
  }
  return { size, bytes: bytes ?? null }
}
