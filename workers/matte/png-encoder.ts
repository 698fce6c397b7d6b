import { constants, crc32, deflateRawSync } from 'node:zlib'

/** Writes row `y` into `row` from `offset`: `width * channels` bytes, all 0 before. */
export type DrawRow = (y: number, row: Uint8Array, offset: number) => void

/** Colour type in the header, and bytes a pixel, of each kind that is written (PNG 3rd edition, 11.2.1). */
const kinds = {
  grey: { colourType: 0, channels: 1 },
  rgb: { colourType: 2, channels: 3 },
  rgba: { colourType: 6, channels: 4 },
} as const
/** What a row holds: grey, red green blue, or those and alpha; 8 bits each. */
export type PngKind = keyof typeof kinds

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
// 32 KiB window, no dictionary; the level in it tells nothing to a decoder (RFC 1950, 2.2).
const zlibHeader = Uint8Array.of(0x78, 0x01)
const subFilter = 1
// Large enough to compress well, small enough to vanish beside the pixels.
const blockBytes = 256 * 1024
const compressionLevel = 3

/** One chunk: length, type, data, checksum (5.3). The data is copied. */
function createChunk(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const chunk = new Uint8Array(12 + length)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, length)
  for (let i = 0; i < 4; i += 1) chunk[4 + i] = type.charCodeAt(i)
  let at = 8
  for (const part of parts) {
    chunk.set(part, at)
    at += part.length
  }
  view.setUint32(8 + length, crc32(chunk.subarray(4, 8 + length)))
  return chunk
}

/** Adler-32 (RFC 1950, 8.2), continued from `value`; 1 begins. */
function continueAdler(value: number, bytes: Uint8Array): number {
  let low = value & 0xffff
  let high = value >>> 16
  for (let at = 0; at < bytes.length; ) {
    // As many sums as fit before either could leave 32 bits.
    const end = Math.min(at + 3800, bytes.length)
    for (; at < end; at += 1) {
      low += bytes[at]!
      high += low
    }
    low %= 65521
    high %= 65521
  }
  return ((high << 16) | low) >>> 0
}

/** Replaces a row by its differences to the pixel on the left (filter Sub, 9.2), in place. */
function filterRow(bytes: Uint8Array, start: number, length: number, channels: number): void {
  for (let i = start + length - 1; i >= start + channels; i -= 1) bytes[i] = bytes[i]! - bytes[i - channels]!
}

/**
 * Encodes a PNG of 8 bits a sample without metadata, row by row: `draw` is called once for each row, in order, as the
 * stream is read. Holds one block of rows. The answer is a byte stream, as Workers RPC wants it; an error of `draw`
 * becomes its error, and `finish` is called once when it has ended, however it ended.
 */
export function encodePng(
  { width, height, kind }: { readonly width: number; readonly height: number; readonly kind: PngKind },
  draw: DrawRow,
  finish: () => void,
): ReadableStream<Uint8Array> {
  const { colourType, channels } = kinds[kind]
  const rowBytes = width * channels
  const blockRows = Math.max(1, Math.floor(blockBytes / (rowBytes + 1)))
  // One buffer for all blocks: the garbage of one for each would be as large as the picture.
  const rows = new Uint8Array(Math.min(blockRows, height) * (rowBytes + 1))
  let y = 0
  let adler = 1

  const createHeader = () => {
    const ihdr = new Uint8Array(13)
    const view = new DataView(ihdr.buffer)
    view.setUint32(0, width)
    view.setUint32(4, height)
    ihdr.set([8, colourType, 0, 0, 0], 8)
    return [Uint8Array.from(signature), createChunk('IHDR', ihdr)]
  }

  const createBlock = () => {
    const begins = y === 0
    const block = rows.subarray(0, Math.min(blockRows, height - y) * (rowBytes + 1))
    block.fill(0)
    for (let at = 0; at < block.length; at += rowBytes + 1, y += 1) {
      block[at] = subFilter
      draw(y, block, at + 1)
      filterRow(block, at + 1, rowBytes, channels)
    }
    adler = continueAdler(adler, block)
    const ends = y === height
    const finishFlush = ends ? constants.Z_FINISH : constants.Z_SYNC_FLUSH
    const parts = [deflateRawSync(block, { level: compressionLevel, finishFlush })]
    if (begins) parts.unshift(zlibHeader)
    if (ends) parts.push(Uint8Array.of(adler >>> 24, adler >>> 16, adler >>> 8, adler))
    return createChunk('IDAT', ...parts)
  }

  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      for (const part of createHeader()) controller.enqueue(part)
    },
    pull(controller) {
      try {
        controller.enqueue(createBlock())
        if (y < height) return
        controller.enqueue(createChunk('IEND'))
        controller.close()
        finish()
      } catch (error) {
        finish()
        throw error
      }
    },
    cancel() {
      finish()
    },
  })
}
