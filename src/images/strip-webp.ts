import { readOrientation } from './exif.ts'
import type { Orientation } from './facts.ts'
import { createOrientationExif } from './orientation-exif.ts'
import { Pieces, type StrippedImage } from './pieces.ts'
import { refuseFile } from './refuse-file.ts'
import { matchesText } from './sniff.ts'
import { findRiffEnd, readStrictChunks, type StrictChunk } from './strict-webp-chunks.ts'
import { isPicture, readPictureSize, type Size } from './webp-picture.ts'

const headBytes = 12
/** Of VP8X, of ANIM, and of what stands before the picture in ANMF (RFC 9649, 2.7.1). */
const extendedBytes = 10
const animationBytes = 6
const frameBytes = 16
const exifName = 'Exif\0\0'

/** Flags of VP8X; the alpha flag stays as it is. */
const flags = { profile: 0x20, alpha: 0x10, exif: 0x08, animation: 0x02 } as const

/** A chunk's type and length. */
function createChunkHead(type: string, length: number): Uint8Array {
  const head = new Uint8Array(8)
  for (let i = 0; i < 4; i += 1) head[i] = type.charCodeAt(i)
  new DataView(head.buffer).setUint32(4, length, true)
  return head
}

const readUint24 = (data: Uint8Array, at: number): number => data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16)

/** Refuses a chunk whose picture is not of the size that is announced. */
function checkSize({ type, data }: StrictChunk, announced: Size): void {
  const size = readPictureSize(type, data)
  if (!size) refuseFile(`is a WebP with a ${type.trim()} chunk that holds no picture`)
  else if (size.width !== announced.width || size.height !== announced.height) {
    const seen = `${size.width} x ${size.height}`
    refuseFile(`is a WebP that announces ${announced.width} x ${announced.height} pixels and has ${seen}`)
  }
}

/** What has been seen of a WebP, and what is kept of it. */
class WebpStripper {
  readonly #file: Uint8Array
  readonly #pieces: Pieces
  readonly #fillHead: (bytes: Uint8Array) => void
  #fillExtended: ((bytes: Uint8Array) => void) | undefined
  /** The data of VP8X; null in a file of the simple layout, which is a picture and nothing else. */
  #extended: Uint8Array | null | undefined
  #size: Size = { width: 0, height: 0 }
  #keptFlags = 0
  #orientation: Orientation | undefined
  #alpha: StrictChunk | undefined
  #pictures = 0

  constructor(file: Uint8Array, pieces: Pieces) {
    this.#file = file
    this.#pieces = pieces
    this.#fillHead = pieces.reserve()
  }

  read(chunk: StrictChunk): void {
    if (this.#extended === undefined) this.#readFirst(chunk)
    else if (isPicture(chunk.type)) this.#readPicture(chunk)
    else if (this.#extended) this.#optional[chunk.type]?.(chunk, this.#extended[0]!)
  }

  finish(): { width: number; height: number; orientation: Orientation } {
    if (this.#pictures === 0) refuseFile('is a WebP without a picture chunk')
    const orientation = this.#orientation ?? 1
    if (orientation !== 1) {
      const exif = createOrientationExif(orientation)
      this.#keptFlags |= flags.exif
      this.#pieces.put(createChunkHead('EXIF', exif.length))
      this.#pieces.put(exif)
    }
    if (this.#extended) {
      const data = Uint8Array.from(this.#extended)
      data.set([(data[0]! & flags.alpha) | this.#keptFlags, 0, 0, 0])
      this.#fillExtended?.(Uint8Array.from([...createChunkHead('VP8X', extendedBytes), ...data]))
    }
    const riff = createChunkHead('RIFF', this.#pieces.size + 4)
    this.#fillHead(Uint8Array.from([...riff, ...createChunkHead('WEBP', 0).subarray(0, 4)]))
    return { ...this.#size, orientation }
  }

  #isAnimated(): boolean {
    return ((this.#extended?.[0] ?? 0) & flags.animation) !== 0
  }

  /** Keeps a chunk and its padding, a 0 also where the file leaves it out or has something else. */
  #keep({ start, dataEnd, end }: StrictChunk): void {
    const isPadded = end > dataEnd && this.#file[dataEnd] === 0
    this.#pieces.keep(start, isPadded ? end : dataEnd)
    if (end > dataEnd && !isPadded) this.#pieces.put(Uint8Array.of(0))
  }

  /** VP8X, or the picture where that is all (2.5 to 2.7). */
  #readFirst(chunk: StrictChunk): void {
    const { type, data } = chunk
    if (type !== 'VP8X') {
      this.#extended = null
      const size = readPictureSize(type, data)
      if (!size) refuseFile('is a WebP without a picture chunk')
      this.#size = size
      this.#readPicture(chunk)
      return
    }
    if (data.length !== extendedBytes) refuseFile('is a WebP with a VP8X chunk of impossible length')
    this.#extended = data
    this.#size = { width: readUint24(data, 4) + 1, height: readUint24(data, 7) + 1 }
    this.#fillExtended = this.#pieces.reserve()
  }

  #readPicture(chunk: StrictChunk): void {
    // Readers show the first; of an animation, its frames.
    if (this.#pictures > 0 || this.#isAnimated()) return
    checkSize(chunk, this.#size)
    if (this.#alpha && chunk.type === 'VP8 ') this.#keep(this.#alpha)
    this.#keep(chunk)
    this.#pictures += 1
  }

  #readFrame({ start, end, data }: StrictChunk): void {
    if ((this.#keptFlags & flags.animation) === 0) refuseFile('is a WebP with a frame before its ANIM chunk')
    if (data.length < frameBytes || data.length % 2 !== 0) refuseFile('is a WebP with a frame of impossible length')
    const size = { width: readUint24(data, 6) + 1, height: readUint24(data, 9) + 1 }
    const [right, bottom] = [readUint24(data, 0) * 2 + size.width, readUint24(data, 3) * 2 + size.height]
    if (right > this.#size.width || bottom > this.#size.height) refuseFile('is a WebP with a frame beyond its canvas')
    let alpha: StrictChunk | undefined
    let picture: StrictChunk | undefined
    for (const chunk of readStrictChunks(this.#file, start + 8 + frameBytes, end)) {
      if (picture) continue
      if (isPicture(chunk.type)) picture = chunk
      else if (chunk.type === 'ALPH') alpha ??= chunk
    }
    if (!picture) refuseFile('is a WebP with a frame without a picture chunk')
    checkSize(picture, size)
    const kept = alpha && picture.type === 'VP8 ' ? [alpha, picture] : [picture]
    const length = kept.reduce((sum, chunk) => sum + chunk.end - chunk.start, frameBytes)
    if (length === data.length) this.#pieces.keep(start, start + 8)
    else this.#pieces.put(createChunkHead('ANMF', length))
    this.#pieces.keep(start + 8, start + 8 + frameBytes)
    for (const chunk of kept) this.#keep(chunk)
    this.#pictures += 1
  }

  /** What is read or kept of a file's further chunks; the others are left out, and what VP8X does not announce. */
  readonly #optional: Readonly<Record<string, (chunk: StrictChunk, announced: number) => void>> = {
    ICCP: (chunk, announced) => {
      if ((announced & flags.profile) === 0 || (this.#keptFlags & flags.profile) !== 0 || this.#pictures > 0) return
      this.#keptFlags |= flags.profile
      this.#keep(chunk)
    },
    // Some writers put JPEG's name before it.
    EXIF: ({ data }, announced) => {
      if ((announced & flags.exif) === 0) return
      this.#orientation ??= readOrientation(matchesText(data, 0, exifName) ? data.subarray(6) : data)
    },
    ANIM: (chunk) => {
      if (!this.#isAnimated() || (this.#keptFlags & flags.animation) !== 0) return
      if (chunk.data.length !== animationBytes) refuseFile('is a WebP with an ANIM chunk of impossible length')
      this.#keptFlags |= flags.animation
      this.#keep(chunk)
    },
    ANMF: (chunk) => {
      if (this.#isAnimated()) this.#readFrame(chunk)
    },
    ALPH: (chunk) => {
      if (this.#pictures === 0 && !this.#isAnimated()) this.#alpha ??= chunk
    },
  }
}

/**
 * Strips a WebP (RFC 9649). Orientation and profile count where VP8X announces them, as readers have it; an orientation
 * moves behind the picture. `file` begins with `RIFF....WEBP`. Throws ApiError `unsupported_format`.
 */
export function stripWebp(file: Uint8Array): StrippedImage {
  const pieces = new Pieces(file)
  const stripper = new WebpStripper(file, pieces)
  for (const chunk of readStrictChunks(file, headBytes, findRiffEnd(file))) stripper.read(chunk)
  return { ...stripper.finish(), pieces: pieces.finish(), size: pieces.size }
}
