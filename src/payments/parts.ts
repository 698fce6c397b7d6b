/** As much as one request may hold in memory; also the least that R2 takes as a part of a multipart upload. */
export const PART_BYTES = 5 * 1024 * 1024

/** Keeps one stream part by part. */
export interface PartWriter {
  /** Keeps the next part. Every part but the last holds `PART_BYTES`. */
  write(part: Uint8Array): Promise<void>
  /** Forgets what was kept. Never throws. */
  abort(): Promise<void>
}

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

/** Where a stream lies now: in memory, or with a writer that has all of its parts. `size` in bytes. */
export type Poured<Writer> =
  | { readonly size: number; readonly bytes: Uint8Array; readonly writer?: never }
  | { readonly size: number; readonly writer: Writer; readonly bytes?: never }

/**
 * Takes a stream in: up to 5 MB in memory, a longer one part by part by the writer that `begin` gives.
 * @throws whatever the stream or the writer throws; nothing is kept then
 */
export async function pour<Writer extends PartWriter>(
  pieces: AsyncIterable<Uint8Array>,
  begin: () => Promise<Writer>,
): Promise<Poured<Writer>> {
  const parts = new Parts()
  let writer: Writer | undefined
  let size = 0
  try {
    for await (const piece of pieces) {
      size += piece.byteLength
      for (const part of parts.add(piece)) {
        writer ??= await begin()
        await writer.write(part)
      }
    }
    const bytes = parts.rest()
    if (!writer) return { size, bytes }
    await writer.write(bytes)
    return { size, writer }
  } catch (error) {
    await writer?.abort()
    throw error
  }
}
