import { constants, crc32 } from 'node:zlib'

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

/** What a PNG is about to hold, in pixels. */
export interface PngShape {
  readonly width: number
  readonly height: number
  readonly kind: PngKind
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
// 32 KiB window, no dictionary; the level in it tells nothing to a decoder (RFC 1950, 2.2).
const zlibHeader = Uint8Array.of(0x78, 0x01)
const subFilter = 1
// Large enough to compress well, small enough to vanish beside the pixels.
const blockBytes = 256 * 1024

/** How hard zlib tries. */
export const compressionLevel = 3

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
 * A PNG of 8 bits a sample without metadata as blocks of rows, each of which is compressed by itself, by whoever uses
 * this: `drawBlock` in order, `deflateRaw` with `flushOf`, `wrapBlock`, from `begin` to `end`.
 */
export class PngBlocks {
  readonly #shape: PngShape
  readonly #rowBytes: number
  readonly #channels: number
  #adler = 1

  constructor(shape: PngShape) {
    this.#shape = shape
    this.#channels = kinds[shape.kind].channels
    this.#rowBytes = shape.width * this.#channels
  }

  /** How many rows make a block, the last one excepted. */
  get blockRows(): number {
    return Math.min(this.#shape.height, Math.max(1, Math.floor(blockBytes / (this.#rowBytes + 1))))
  }

  /** Bytes of a block of so many rows. */
  sizeOf(rows: number): number {
    return rows * (this.#rowBytes + 1)
  }

  /** What stands before the first block. */
  begin(): Uint8Array[] {
    const { width, height, kind } = this.#shape
    const ihdr = new Uint8Array(13)
    const view = new DataView(ihdr.buffer)
    view.setUint32(0, width)
    view.setUint32(4, height)
    ihdr.set([8, kinds[kind].colourType, 0, 0, 0], 8)
    return [Uint8Array.from(signature), createChunk('IHDR', ihdr)]
  }

  /** Fills a block with the rows from `y` on, ready to be compressed. */
  drawBlock(block: Uint8Array, y: number, draw: DrawRow): void {
    block.fill(0)
    for (let at = 0, row = y; at < block.length; at += this.#rowBytes + 1, row += 1) {
      block[at] = subFilter
      draw(row, block, at + 1)
      filterRow(block, at + 1, this.#rowBytes, this.#channels)
    }
    this.#adler = continueAdler(this.#adler, block)
  }

  /** How zlib has to end a block. */
  flushOf(isLast: boolean): number {
    return isLast ? constants.Z_FINISH : constants.Z_SYNC_FLUSH
  }

  /** A compressed block as a chunk. The last one is wrapped when all are drawn. */
  wrapBlock(deflated: Uint8Array, isFirst: boolean, isLast: boolean): Uint8Array {
    const adler = this.#adler
    const sum = Uint8Array.of(adler >>> 24, adler >>> 16, adler >>> 8, adler)
    return createChunk('IDAT', ...(isFirst ? [zlibHeader] : []), deflated, ...(isLast ? [sum] : []))
  }

  /** What stands behind the last block. */
  end(): Uint8Array {
    return createChunk('IEND')
  }
}
