import { ApiError } from '../errors.ts'
import type { ImageHeader } from './facts.ts'
import { readHeader } from './header.ts'
import { contentTypes, readContentType, sniffKind } from './sniff.ts'

/** Most bytes of a file: 25 MB, as MB are counted everywhere here (1,048,576 bytes). */
export const maxFileBytes = 25 * 1024 * 1024

/** Longest side that the service takes, in pixels. */
export const maxSide = 10_000

/** What a check found. The header is null if it lies behind the bytes that were looked at. */
export interface CheckedImage {
  readonly format: ImageHeader['format']
  readonly header: ImageHeader | null
}

const refuse = (message: string): never => {
  throw new ApiError('invalid_image', { message })
}

const names = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' } as const
const count = (n: number): string => n.toLocaleString('en-US')

function checkHeader({ width, height, animated }: ImageHeader): void {
  const size = `${count(width)} x ${count(height)} pixels`
  if (width === 0 || height === 0) {
    refuse(`The image says that it has ${size}; both sides must be 1 to ${count(maxSide)}.`)
  }
  if (width > maxSide || height > maxSide) {
    refuse(`The image has ${size}; each side may have ${count(maxSide)} at most.`)
  }
  if (animated) refuse('The image is animated; send a still picture.')
}

const refuseTruncated = (format: ImageHeader['format']): never =>
  refuse(`The image is a truncated ${names[format]}; send the whole file.`)

/** The header of an image that can be worked on, if it lies within `head`. Throws ApiError `invalid_image`. */
function readChecked(head: Uint8Array, format: ImageHeader['format']): ImageHeader | 'incomplete' {
  if (head.length === 0) refuse('The body is empty; send the bytes of a PNG, JPEG or WebP image.')
  const kind = sniffKind(head)
  if (kind !== format) {
    const known = kind !== null && Object.values<string>(contentTypes).includes(kind)
    if (known) refuse(`The body is image/${kind}, but Content-Type says image/${format}; make them agree.`)
    const seen = kind === null ? 'no image that is known here' : `${kind.toUpperCase()} data`
    refuse(`The body is ${seen}, but Content-Type says image/${format}; send the bytes of a PNG, JPEG or WebP image.`)
  }
  const header = readHeader(head, format)
  if (header === 'incomplete') return header
  if ('broken' in header) return refuse(`The image ${header.broken}; send a sound file.`)
  checkHeader(header)
  return header
}

/**
 * Whether an image is one at all, as far as its first bytes tell: `head` is the first 64 KiB or more, or, if
 * `complete`, the whole file. For the gateway, before anything is charged; who can work on it is for
 * `matte/choose-host.ts` to say. Throws ApiError `unsupported_media_type` (Content-Type missing or not PNG, JPEG or
 * WebP) or `invalid_image` with a sentence that names what is wrong and what would be right.
 */
export function checkImage(head: Uint8Array, complete: boolean, contentType: string | null): CheckedImage {
  const format = readContentType(contentType)
  if (!format) throw new ApiError('unsupported_media_type')
  const header = readChecked(head, format)
  if (header !== 'incomplete') return { format, header }
  return complete ? refuseTruncated(format) : { format, header: null }
}

/**
 * The header of a whole file that passes every check again, for whoever decodes it. Throws ApiError `invalid_image`.
 */
export function readCheckedHeader(file: Uint8Array, format: ImageHeader['format']): ImageHeader {
  const { header } = checkImage(file, true, `image/${format}`)
  return header!
}
