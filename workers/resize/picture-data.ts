import type { VariantSource } from '../../src/hosting/resize.ts'
import type { ImageHeader, Profile } from '../../src/images/facts.ts'
import { readHeader } from '../../src/images/header.ts'
import { type PngChunk, readChunks } from '../../src/images/png-chunks.ts'
import { findWebpEnd } from '../../src/images/webp-chunks.ts'
import { isGrey } from '../matte/colour.ts'
import { readPictureData } from '../matte/jpeg-data.ts'
import { readGifFrame } from './gif-frame.ts'

/** What a file is, and what of it a decoder needs. */
export interface PictureData {
  /** In order; views of the file where possible. */
  readonly parts: readonly Uint8Array[]
  /** As stored. */
  readonly width: number
  readonly height: number
  readonly profile: Profile
  readonly isGrey: boolean
}

const pngSignatureLength = 8

/** A profile of a few kilobytes can unpack to as many megabytes in photon, and texts need not be read at all. */
const needed = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'])

function pickPngParts(file: Uint8Array): Uint8Array[] | null {
  const parts = [file.subarray(0, pngSignatureLength)]
  let last: PngChunk | undefined
  for (const chunk of readChunks(file)) {
    last = chunk
    const start = chunk.checked.byteOffset - file.byteOffset - 4
    if (needed.has(chunk.type)) parts.push(file.subarray(start, start + chunk.data.length + 12))
  }
  return last?.type === 'IEND' && last.whole ? parts : null
}

function pickJpegParts(file: Uint8Array): Uint8Array[] | null {
  const data = readPictureData(file)
  return typeof data === 'string' ? null : [data]
}

function pickWebpParts(file: Uint8Array): Uint8Array[] | null {
  const end = findWebpEnd(file)
  return end === null ? null : [file.subarray(0, end)]
}

function readStill(
  file: Uint8Array,
  format: ImageHeader['format'],
  pick: (file: Uint8Array) => Uint8Array[] | null,
): PictureData | null {
  const header = readHeader(file, format)
  if (header === 'incomplete' || 'broken' in header) return null
  const parts = pick(file)
  const { width, height, profile } = header
  return parts && { parts, width, height, profile, isGrey: isGrey(header) }
}

function readGif(file: Uint8Array): PictureData | null {
  const size = readGifFrame(file)
  return size && { parts: [file], ...size, profile: 'none', isGrey: false }
}

const readers: Readonly<Record<VariantSource['format'], (file: Uint8Array) => PictureData | null>> = {
  png: (file) => readStill(file, 'png', pickPngParts),
  jpeg: (file) => readStill(file, 'jpeg', pickJpegParts),
  webp: (file) => readStill(file, 'webp', pickWebpParts),
  gif: readGif,
}

/**
 * Reads a whole file whose magic bytes say `format`. Null if it is broken or truncated, or would keep a decoder busy
 * beyond measure.
 */
export const readPicture = (file: Uint8Array, format: VariantSource['format']): PictureData | null =>
  readers[format](file)
