import { matchesText } from './sniff.ts'

/** One chunk of a WebP (RFC 9649, 2.3). */
export interface WebpChunk {
  readonly type: string
  /** The data, a view; shorter than declared if the bytes end before it does. */
  readonly data: Uint8Array
  /** Whether all of the chunk, its padding included, lies within the bytes. */
  readonly whole: boolean
  /** Offset behind the chunk and its padding. */
  readonly end: number
}

const chunksAt = 12

/** Walks the chunks of a WebP, lazily, up to the end that its RIFF header names, or that of the bytes. */
export function* readWebpChunks(bytes: Uint8Array): Generator<WebpChunk> {
  if (bytes.length < chunksAt) return
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fileEnd = 8 + view.getUint32(4, true)
  for (let at = chunksAt; at + 8 <= Math.min(fileEnd, bytes.length); ) {
    const length = view.getUint32(at + 4, true)
    const end = at + 8 + length + (length & 1)
    yield {
      type: String.fromCharCode(...bytes.subarray(at, at + 4)),
      data: bytes.subarray(at + 8, at + 8 + length),
      // Some writers leave the last padding byte out.
      whole: at + 8 + length <= bytes.length,
      end,
    }
    at = end
  }
}

/** Where the file ends by its own header: null if its bytes end before, which means that it is truncated. */
export function findWebpEnd(bytes: Uint8Array): number | null {
  if (bytes.length < chunksAt || !matchesText(bytes, 0, 'RIFF')) return null
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true) + 8
  for (const { whole } of readWebpChunks(bytes)) if (!whole) return null
  // One byte less: the last padding.
  return size > bytes.length + 1 ? null : Math.min(size, bytes.length)
}
