import { crc32 } from 'node:zlib'
import { readOrientation } from './exif.ts'
import type { Orientation } from './facts.ts'
import { createOrientationExif } from './orientation-exif.ts'
import { Pieces, type StrippedImage } from './pieces.ts'
import { type PngChunk, readChunks } from './png-chunks.ts'
import { readPngHeader } from './png-header.ts'
import { refuseFile, refuseTruncated } from './refuse-file.ts'

/** Signature and IHDR's chunk. */
const headBytes = 33

/**
 * Ancillary chunks that decide about the picture, and how short and long each may be (PNG 3rd edition, 11.3). Each
 * counts once, before the picture's data, at such a length; readers pass over any other, and it is left out.
 */
const keptBefore: Readonly<Record<string, readonly [shortest: number, longest: number]>> = {
  tRNS: [1, 256],
  iCCP: [3, 0x7fffffff],
  sRGB: [1, 1],
  cICP: [4, 4],
  gAMA: [4, 4],
  cHRM: [32, 32],
  sBIT: [1, 4],
  mDCV: [24, 24],
  cLLI: [8, 8],
  bKGD: [1, 6],
  pHYs: [9, 9],
  acTL: [8, 8],
}

/** One chunk (5.3). */
function createChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(data.length + 12)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, data.length)
  for (let i = 0; i < 4; i += 1) chunk[4 + i] = type.charCodeAt(i)
  chunk.set(data, 8)
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)))
  return chunk
}

/** Width, height and colour type of a sound IHDR (11.2.1). */
function readHead(file: Uint8Array): { width: number; height: number; colourType: number } {
  const header = readPngHeader(file.subarray(0, headBytes))
  if (header === 'incomplete' || file.length < headBytes) refuseTruncated('PNG')
  if ('broken' in header) refuseFile(header.broken)
  if (header.format !== 'png') refuseFile('is no PNG')
  const { width, height, colourType } = header
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff) {
    refuseFile(`is a PNG of ${width} x ${height} pixels, which none can have`)
  }
  return { width, height, colourType }
}

/** What has been seen of a PNG, and what is kept of it. */
class PngStripper {
  readonly #pieces: Pieces
  readonly #colourType: number
  readonly #seen = new Set<string>()
  #fillOrientation: ((bytes: Uint8Array) => void) | undefined
  #orientation: Orientation | undefined
  #dataBytes = 0
  #last = ''

  constructor(pieces: Pieces, colourType: number) {
    this.#pieces = pieces
    this.#colourType = colourType
  }

  /** Takes one chunk, which stands from `start` to `end`. */
  read(chunk: PngChunk, start: number, end: number): void {
    const { type } = chunk
    if (this.#isKept(chunk)) this.#pieces.keep(start, end)
    this.#last = type
  }

  /** Ends the file: its orientation. */
  finish(): Orientation {
    if (this.#dataBytes === 0) refuseFile('is a PNG without picture data')
    const orientation = this.#orientation ?? 1
    if (orientation !== 1) this.#fillOrientation?.(createChunk('eXIf', createOrientationExif(orientation)))
    return orientation
  }

  #isKept(chunk: PngChunk): boolean {
    const { type, data } = chunk
    const critical = this.#critical[type]
    if (critical) return critical(data)
    // The fifth bit of the first letter (5.4).
    if (/^[A-Z]/.test(type)) refuseFile(`is a PNG with a critical chunk ${type} that is not known`)
    if (type === 'eXIf') this.#orientation ??= readOrientation(data)
    if (type === 'fcTL') return this.#seen.has('acTL') && data.length === 26
    if (type === 'fdAT') return this.#seen.has('acTL') && this.#dataBytes > 0 && data.length >= 4
    const [shortest, longest] = keptBefore[type] ?? [1, 0]
    if (data.length < shortest || data.length > longest) return false
    if (this.#fillOrientation || this.#seen.has(type)) return false
    this.#seen.add(type)
    return true
  }

  readonly #critical: Readonly<Record<string, (data: Uint8Array) => boolean>> = {
    IHDR: (data) => {
      if (this.#last !== '') refuseFile('is a PNG with two IHDR chunks')
      if (data.length !== 13) refuseFile('is a PNG with an IHDR chunk of impossible length')
      return true
    },
    PLTE: (data) => {
      if (data.length === 0 || data.length > 768 || data.length % 3 !== 0) {
        refuseFile('is a PNG with a palette of impossible length')
      }
      if (this.#seen.has('PLTE')) refuseFile('is a PNG with two palettes')
      if (this.#fillOrientation) refuseFile('is a PNG with a palette behind its picture')
      this.#seen.add('PLTE')
      // Greys have none (11.2.2): readers pass over it.
      return (this.#colourType & 2) !== 0
    },
    IDAT: (data) => {
      if (this.#colourType === 3 && !this.#seen.has('PLTE')) refuseFile('is a PNG without the palette that it needs')
      if (this.#fillOrientation && this.#last !== 'IDAT') refuseFile('is a PNG whose IDAT chunks are not together')
      this.#fillOrientation ??= this.#pieces.reserve()
      this.#dataBytes += data.length
      return true
    },
    IEND: (data) => {
      if (data.length > 0) refuseFile('is a PNG with an IEND chunk that is not empty')
      return true
    },
  }
}

/**
 * Strips a PNG (3rd edition), verifying every chunk's checksum. An orientation moves before the picture's data.
 * `file` begins with the PNG signature. Throws ApiError `unsupported_format`.
 */
export function stripPng(file: Uint8Array): StrippedImage {
  const { width, height, colourType } = readHead(file)
  const pieces = new Pieces(file)
  const stripper = new PngStripper(pieces, colourType)
  pieces.keep(0, 8)
  let start = 8
  let type = ''
  for (const chunk of readChunks(file)) {
    if (!chunk.whole) refuseTruncated('PNG')
    type = chunk.type
    if (crc32(chunk.checked) !== chunk.crc) refuseFile(`is a PNG with a wrong checksum in its ${type} chunk`)
    const end = start + 12 + chunk.data.length
    stripper.read(chunk, start, end)
    start = end
  }
  if (type !== 'IEND') {
    if (start + 8 > file.length) refuseTruncated('PNG')
    refuseFile(`is a PNG with something that is no chunk behind its ${type} chunk`)
  }
  const orientation = stripper.finish()
  return { width, height, orientation, pieces: pieces.finish(), size: pieces.size }
}
