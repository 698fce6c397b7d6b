import { crc32, deflateSync } from 'node:zlib'

/** One PNG chunk with its checksum. */
export function createChunk(type: string, data: Uint8Array = new Uint8Array(0)): Buffer {
  const chunk = Buffer.alloc(12 + data.length)
  chunk.writeUInt32BE(data.length, 0)
  chunk.write(type, 4, 'latin1')
  chunk.set(data, 8)
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length)
  return chunk
}

export interface PngSpec {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  readonly colourType: number
  readonly interlace?: number
}

/** IHDR's chunk. */
export function createIhdr({ width, height, bitDepth, colourType, interlace = 0 }: PngSpec): Buffer {
  const data = Buffer.alloc(13)
  data.writeUInt32BE(width, 0)
  data.writeUInt32BE(height, 4)
  data.set([bitDepth, colourType, 0, 0, interlace], 8)
  return createChunk('IHDR', data)
}

export const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** A PNG from filtered rows (each led by its filter type), with `before` between IHDR and the data. */
export function createPng(
  spec: PngSpec,
  rows: Uint8Array,
  before: readonly Uint8Array[] = [],
): Uint8Array<ArrayBuffer> {
  const parts = [pngSignature, createIhdr(spec), ...before, createChunk('IDAT', deflateSync(rows)), createChunk('IEND')]
  return new Uint8Array(Buffer.concat(parts))
}
