import { Buffer } from 'node:buffer'
import type { ErrorCode } from '../errors.ts'
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
export interface SpoolWriter {
  /** Keeps the next part. Every part but the last holds `PART_BYTES`. */
  write(part: Uint8Array): Promise<void>
  /** The body is whole. */
  finish(): Promise<Pick<Upload, 'open' | 'discard'>>
  /** Forgets what was kept. Never throws. */
  abort(): Promise<void>
}

/** As much as one request may hold in memory; also the least that R2 takes as a part. */
export const PART_BYTES = 5 * 1024 * 1024

/** Collects pieces into parts of `PART_BYTES`. */
class Parts {
  #pieces: Uint8Array[] = []
  #size = 0

  /** What no part holds yet. */
  rest(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!
    const whole = new Uint8Array(this.#size)
    let at = 0
    for (const piece of this.#pieces) {
      whole.set(piece, at)
      at += piece.byteLength
    }
    return whole
  }

  /** Takes a piece in and gives the parts that are full. */
  *add(piece: Uint8Array): Generator<Uint8Array> {
    this.#pieces.push(piece)
    this.#size += piece.byteLength
    while (this.#size > PART_BYTES) {
      const all = this.rest()
      this.#pieces = [all.subarray(PART_BYTES)]
      this.#size = all.byteLength - PART_BYTES
      yield all.subarray(0, PART_BYTES)
    }
  }
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
  const parts = new Parts()
  let writer: SpoolWriter | undefined
  let size = 0
  try {
    for await (const piece of body.read(limit.bytes, limit.error)) {
      size += piece.byteLength
      await hasher.write(piece)
      for (const part of parts.add(piece)) {
        writer ??= await spool.begin()
        await writer.write(part)
      }
    }
    await hasher.close()
    const sha256 = Buffer.from(await digest.digest).toString('hex')
    const rest = parts.rest()
    await writer?.write(rest)
    return { size, sha256, ...(writer ? await writer.finish() : keepInMemory(rest)) }
  } catch (error) {
    await writer?.abort()
    throw error
  }
}
