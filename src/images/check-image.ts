import { ApiError } from '../errors.ts'
import type { ImageHeader } from './facts.ts'
import { readHeader } from './header.ts'
import { contentTypes, readContentType, sniffKind } from './sniff.ts'

/** Longest side that the service takes, in pixels. */
export const maxSide = 10_000

/** What a check found. Width and height as stored, null if they lie behind the bytes that were looked at. */
export type CheckedImage =
  | { readonly format: ImageHeader['format']; readonly width: number; readonly height: number }
  | { readonly format: ImageHeader['format']; readonly width: null; readonly height: null }

const refuse = (message: string): never => {
  throw new ApiError('invalid_image', { message })
}

const names = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' } as const
const count = (n: number): string => n.toLocaleString('en-US')

/**
 * What this version does not decode yet, as rows: `refuses` picks the pictures, `because` ends the sentence
 * "The image is ...".
 */
const notServed: readonly { readonly refuses: (header: ImageHeader) => boolean; readonly because: string }[] = [
  {
    refuses: (h) => h.format === 'jpeg' && h.coding !== 'baseline' && h.coding !== 'progressive',
    because: 'a JPEG that is neither baseline nor progressive; send one that is, or PNG',
  },
  {
    refuses: (h) => h.format === 'jpeg' && h.precision !== 8,
    because: 'a JPEG with other than 8 bits a sample; send 8 bits a sample',
  },
  {
    refuses: (h) => h.format === 'jpeg' && h.components !== 1 && h.components !== 3,
    because: 'a JPEG in CMYK, which this version does not support yet; send it in RGB',
  },
  {
    refuses: (h) => h.profile === 'foreign',
    because:
      'in a colour profile that is no matrix of RGB or grey, which this version does not convert yet; send it in sRGB',
  },
]

function checkHeader(header: ImageHeader, pixelLimit: number): void {
  const { width, height } = header
  const size = `${count(width)} x ${count(height)} pixels`
  if (width === 0 || height === 0) {
    refuse(`The image says that it has ${size}; both sides must be 1 to ${count(maxSide)}.`)
  }
  if (width > maxSide || height > maxSide) {
    refuse(`The image has ${size}; each side may have ${count(maxSide)} at most.`)
  }
  if (header.animated) refuse('The image is animated; send a still picture.')
  if (width * height > pixelLimit) {
    refuse(
      `The image has ${size}, ${count(width * height)} in all; this deployment takes ${count(pixelLimit)} at most. ` +
        'Send a smaller copy.',
    )
  }
  const reason = notServed.find(({ refuses }) => refuses(header))?.because
  if (reason) refuse(`The image is ${reason}.`)
}

const refuseTruncated = (format: ImageHeader['format']): never =>
  refuse(`The image is a truncated ${names[format]}; send the whole file.`)

/** The header of an image that can be worked on, if it lies within `head`. Throws ApiError `invalid_image`. */
function readChecked(head: Uint8Array, format: ImageHeader['format'], pixelLimit: number): ImageHeader | 'incomplete' {
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
  checkHeader(header, pixelLimit)
  return header
}

/**
 * Whether an image can be worked on, as far as its first bytes tell: `head` is the first 64 KiB or more, or, if
 * `complete`, the whole file. For the gateway, before anything is charged. Throws ApiError `unsupported_media_type`
 * (Content-Type missing or not PNG, JPEG or WebP) or `invalid_image` with a sentence that names what is wrong and what
 * would be right. `pixelLimit` is the deployment's.
 */
export function checkImage(
  head: Uint8Array,
  complete: boolean,
  contentType: string | null,
  pixelLimit: number,
): CheckedImage {
  const format = readContentType(contentType)
  if (!format) throw new ApiError('unsupported_media_type')
  const header = readChecked(head, format, pixelLimit)
  if (header !== 'incomplete') return { format, width: header.width, height: header.height }
  return complete ? refuseTruncated(format) : { format, width: null, height: null }
}

/**
 * The header of a whole file that passes every check again, for whoever decodes it. Throws ApiError `invalid_image`.
 */
export function readCheckedHeader(file: Uint8Array, format: ImageHeader['format'], pixelLimit: number): ImageHeader {
  const header = readChecked(file, format, pixelLimit)
  return header === 'incomplete' ? refuseTruncated(format) : header
}
