import { Buffer } from 'node:buffer'
import type { ErrorCode } from '../errors.ts'
import { type PartWriter, pour } from '../parts.ts'
import type { RequestBody } from '../request-body.ts'

/** A request's whole body, taken in. `discard` it when nobody will work on it any more. */
export interface Upload {
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the bytes, in hex. */
  readonly sha256: string
  /** The bytes from their beginning; may be called again. */
  open(): Promise<ReadableStream<Uint8Array>>
  /** Lets go of the bytes. Never throws. */
  discard(): Promise<void>
}

/** Where bodies wait that are too large for memory. The payments own this interface; `src/index.ts` fills it. */
export interface Spool {
  /** Begins to keep a body of unknown length. */
  begin(): Promise<SpoolWriter>
}

/** Keeps one body part by part. */
export interface SpoolWriter extends PartWriter {
  /** The body is whole. */
  finish(): Promise<Pick<Upload, 'open' | 'discard'>>
}

const keepInMemory = (bytes: Uint8Array): Pick<Upload, 'open' | 'discard'> => ({
  open: async () => new Response(bytes as Uint8Array<ArrayBuffer>).body ?? new ReadableStream(),
  discard: async () => {},
})

/**
 * Takes the whole body in, hashing it on the way: up to 5 MB in memory, larger ones part by part in `spool`.
 * @throws ApiError `tooLarge`, `request_timeout`; nothing is kept then
 */
export async function takeUpload(
  body: RequestBody,
  limit: { readonly bytes: number; readonly error: ErrorCode },
  spool: Spool,
): Promise<Upload> {
  const digest = new crypto.DigestStream('SHA-256')
  const hasher = digest.getWriter()
  async function* readHashed() {
    for await (const piece of body.read(limit.bytes, limit.error)) {
      await hasher.write(piece)
      yield piece
    }
  }
  const { size, bytes, writer } = await pour(readHashed(), () => spool.begin())
  try {
    await hasher.close()
    const sha256 = Buffer.from(await digest.digest).toString('hex')
    return { size, sha256, ...(writer ? await writer.finish() : keepInMemory(bytes)) }
  } catch (error) {
    await writer?.abort()
    throw error
  }
}
