import { ApiError } from '../../src/errors.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import { findJpegEnd, markers, readSegments } from '../../src/images/jpeg-segments.ts'
import { readChunks } from '../../src/images/png-chunks.ts'
import { findWebpEnd } from '../../src/images/webp-chunks.ts'
import { isLeftOut } from '../matte/jpeg-data.ts'
import { refuseJpeg } from '../matte/jpeg-warnings.ts'

/**
 * How many pixels all scans of a JPEG may go over together: each takes every block of the picture, however few bytes it
 * has. Encoders write a dozen scans; 100 megapixels may have 40, and the smallest pictures 200.
 */
const scannedPixels = 4_000_000_000
const maxScans = 200

/** The chunks of a PNG that its pixels need (PNG 3rd edition, 5.6), and its profile, where libvips is to convert it. */
const neededChunks = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']

const refuseTruncated = (name: string): ApiError =>
  new ApiError('invalid_image', { message: `The image is a truncated ${name}; send the whole file.` })

/** Moves the parts of a file that are kept together, in place. */
class Compactor {
  readonly #file: Uint8Array
  #length = 0

  constructor(file: Uint8Array) {
    this.#file = file
  }

  keep(from: number, to: number): void {
    this.#file.copyWithin(this.#length, from, to)
    this.#length += to - from
  }

  get kept(): Uint8Array {
    return this.#file.subarray(0, this.#length)
  }
}

function parePng(file: Uint8Array, keepsProfile: boolean): Uint8Array {
  const compactor = new Compactor(file)
  compactor.keep(0, 8)
  let hasEnd = false
  for (const { type, checked, whole } of readChunks(file)) {
    hasEnd ||= type === 'IEND' && whole
    if (!neededChunks.includes(type) && !(keepsProfile && type === 'iCCP')) continue
    const start = checked.byteOffset - file.byteOffset - 4
    compactor.keep(start, Math.min(file.length, start + 4 + checked.length + 4))
  }
  if (!hasEnd) throw refuseTruncated('PNG')
  return compactor.kept
}

function pareJpeg(file: Uint8Array, pixels: number, keepsProfile: boolean): Uint8Array {
  const found = findJpegEnd(file)
  if (!found) throw refuseJpeg('truncated')
  if (found.scans > Math.min(maxScans, scannedPixels / pixels)) throw refuseJpeg('scans')
  const compactor = new Compactor(file)
  let from = 0
  for (const { marker, start, data } of readSegments(file)) {
    if (marker === markers.sos || data === null) break
    if (!isLeftOut(marker) || (keepsProfile && marker === markers.app2)) continue
    compactor.keep(from, start)
    from = start + 4 + data.length
  }
  compactor.keep(from, found.end)
  return compactor.kept
}

function pareWebp(file: Uint8Array): Uint8Array {
  const end = findWebpEnd(file)
  if (end === null) throw refuseTruncated('WebP')
  return file.subarray(0, end)
}

/**
 * What a decoder needs of a whole file, moved together in place: `file` is another's afterwards. The rest is what bombs
 * are made of, such as text that unfolds to gigabytes. Throws ApiError `invalid_image` if the file is truncated, as far
 * as its structure tells, or a JPEG of too many scans.
 */
export function pare(file: Uint8Array, { format, width, height, profile }: ImageHeader): Uint8Array {
  const keepsProfile = profile === 'foreign'
  if (format === 'png') return parePng(file, keepsProfile)
  return format === 'jpeg' ? pareJpeg(file, width * height, keepsProfile) : pareWebp(file)
}
