/** One chunk of a PNG (PNG 3rd edition, 5.3). */
export interface PngChunk {
  readonly type: string
  /** The data, a view; shorter than declared if the bytes end before it does. */
  readonly data: Uint8Array
  /** Type and data, which the checksum covers. */
  readonly checked: Uint8Array
  /** The stored CRC-32; undefined if the bytes end before it. */
  readonly crc: number | undefined
  /** Whether all of the chunk, checksum included, lies within the bytes. */
  readonly whole: boolean
}

const chunksAt = 8

/**
 * Walks the chunks of a PNG, lazily, up to IEND, the end of the bytes, or the first thing that is no chunk. Copies
 * nothing and verifies no checksum. `bytes` begins with the PNG signature.
 */
export function* readChunks(bytes: Uint8Array): Generator<PngChunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = chunksAt; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (length > 0x7fffffff || !/^[A-Za-z]{4}$/.test(type)) return
    const end = at + 8 + length
    const whole = end + 4 <= bytes.length
    yield {
      type,
      data: bytes.subarray(at + 8, end),
      checked: bytes.subarray(at + 4, end),
      crc: whole ? view.getUint32(end) : undefined,
      whole,
    }
    if (type === 'IEND' || !whole) return
    at = end + 4
  }
}
