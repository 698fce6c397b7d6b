import { Buffer } from 'node:buffer'

/** As much as one request may hold in memory; also the least that R2 takes as a part of a multipart upload. */
export const PART_BYTES = 5 * 1024 * 1024

/** Keeps one stream part by part. */
export interface PartWriter {
  /** Keeps the next part, whose bytes are another's afterwards. Every part but the last holds `PART_BYTES`. */
  write(part: Uint8Array): Promise<void>
  /** Forgets what was kept. Never throws. */
  abort(): Promise<void>
}

/** Where a stream lies now: in memory, or with a writer that has all of its parts. `size` in bytes. */
export type Poured<Writer> =
  | { readonly size: number; readonly bytes: Uint8Array; readonly writer?: never }
  | { readonly size: number; readonly writer: Writer; readonly bytes?: never }

/**
 * Takes a stream in: up to 5 MB in memory, a longer one part by part by the writer that `begin` gives.
 * @throws whatever the stream or the writer throws; nothing is kept then
 */
export async function pour<Writer extends PartWriter>(
  source: AsyncIterable<Uint8Array>,
  begin: () => Promise<Writer>,
): Promise<Poured<Writer>> {
  const pieces: Uint8Array[] = []
  let writer: Writer | undefined
  // One buffer for all parts: the garbage of one for each would be as large as the stream.
  let part = new Uint8Array()
  let filled = 0
  let size = 0
  try {
    for await (const piece of source) {
      size += piece.byteLength
      pieces.push(piece)
      if (size <= PART_BYTES) continue
      if (!writer) {
        writer = await begin()
        part = new Uint8Array(PART_BYTES)
      }
      for (let next = pieces.shift(); next; next = pieces.shift()) {
        for (let at = 0; at < next.byteLength; ) {
          // The last part may not be empty, so a full one waits for more to come.
          if (filled === PART_BYTES) {
            await writer.write(part)
            filled = 0
          }
          const taken = next.subarray(at, at + PART_BYTES - filled)
          part.set(taken, filled)
          filled += taken.byteLength
          at += taken.byteLength
        }
      }
    }
    if (!writer) return { size, bytes: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces) }
    await writer.write(part.subarray(0, filled))
    return { size, writer }
  } catch (error) {
    await writer?.abort()
    throw error
  }
}
