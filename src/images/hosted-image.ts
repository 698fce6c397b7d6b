import type { StrippedImage } from './pieces.ts'
import { refuseFile } from './refuse-file.ts'
import { type FileKind, sniffKind } from './sniff.ts'
import { stripGif } from './strip-gif.ts'
import { stripJpeg } from './strip-jpeg.ts'
import { stripPng } from './strip-png.ts'
import { stripWebp } from './strip-webp.ts'

/** Formats that are hosted, as facts. */
export const hostedFormats = {
  png: { contentType: 'image/png', extension: 'png', name: 'PNG' },
  jpeg: { contentType: 'image/jpeg', extension: 'jpg', name: 'JPEG' },
  gif: { contentType: 'image/gif', extension: 'gif', name: 'GIF' },
  webp: { contentType: 'image/webp', extension: 'webp', name: 'WebP' },
} as const satisfies Partial<Record<FileKind, { contentType: string; extension: string; name: string }>>

export type HostedFormat = keyof typeof hostedFormats

/** A whole, sound file and what is left of it without its metadata. */
export interface HostedImage extends StrippedImage {
  readonly format: HostedFormat
}

const strippers: Readonly<Record<HostedFormat, (file: Uint8Array) => StrippedImage>> = {
  png: stripPng,
  jpeg: stripJpeg,
  gif: stripGif,
  webp: stripWebp,
}

const isHosted = (kind: FileKind | null): kind is HostedFormat => kind !== null && Object.hasOwn(hostedFormats, kind)

/** The format that a file begins as. @throws ApiError `unsupported_format` for any that is not hosted */
export function readFormat(head: Uint8Array): HostedFormat {
  const remedy = 'send a PNG, JPEG, GIF or WebP image'
  if (head.length === 0) refuseFile('is empty', remedy)
  const kind = sniffKind(head)
  if (kind === null) refuseFile('is no image that is known here', remedy)
  if (!isHosted(kind)) refuseFile(`is ${kind.toUpperCase()} data`, remedy)
  return kind
}

/**
 * Walks a whole file from its magic bytes to its end and leaves out what does not decide about its picture: EXIF, GPS,
 * XMP, texts, thumbnails, unknown blocks and all that stands behind its end. Pixels are untouched; colour profile,
 * density, animation and orientation stay. Stripping what was stripped gives one piece, equal to it. Compressed data is
 * not decoded: that it is sound is not promised. Copies nothing of the file and allocates nothing by what it claims.
 * @throws ApiError `unsupported_format`, whose message names what is wrong and what would be right
 */
export function readHostedImage(file: Uint8Array): HostedImage {
  const format = readFormat(file)
  return { format, ...strippers[format](file) }
}

/** The stripped file in one: its sole piece itself where there is just one, else a new array. */
export function joinPieces({ pieces, size }: HostedImage): Uint8Array {
  const [first] = pieces
  if (first && pieces.length === 1) return first
  const joined = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}
