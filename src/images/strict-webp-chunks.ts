import { refuseFile, refuseTruncated } from './refuse-file.ts'

/** A chunk of a sound WebP (RFC 9649, 2.3). */
export interface StrictChunk {
  readonly type: string
  readonly data: Uint8Array
  readonly start: number
  /** Offset behind its data. */
  readonly dataEnd: number
  /** Offset behind its data and padding. */
  readonly end: number
}

/**
 * Walks the chunks between two offsets and refuses what `readWebpChunks` forgives: a chunk that does not end there, or
 * bytes that are none. Only the padding of the last may be missing or lie behind `to`: some writers leave it out.
 * Throws ApiError `unsupported_format`.
 */
export function* readStrictChunks(file: Uint8Array, from: number, to: number): Generator<StrictChunk> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  for (let start = from; start < to; ) {
    if (start + 8 > to && to <= file.length) refuseFile('is a WebP with bytes between its chunks that belong to none')
    if (start + 8 > file.length) refuseTruncated('WebP')
    const length = view.getUint32(start + 4, true)
    const dataEnd = start + 8 + length
    if (dataEnd > file.length) refuseTruncated('WebP')
    if (dataEnd > to) refuseFile('is a WebP with a chunk of impossible length')
    const type = String.fromCharCode(...file.subarray(start, start + 4))
    const end = dataEnd + (length & 1)
    yield { type, data: file.subarray(start + 8, dataEnd), start, dataEnd, end }
    start = end
  }
}

/** Offset behind a WebP by its own RIFF header (2.4), wherever the file ends. Throws ApiError `unsupported_format`. */
export function findRiffEnd(file: Uint8Array): number {
  if (file.length < 12) refuseTruncated('WebP')
  return new DataView(file.buffer, file.byteOffset).getUint32(4, true) + 8
}
