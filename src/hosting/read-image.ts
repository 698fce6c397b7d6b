import { ApiError, type ErrorCode } from '../errors.ts'
import { hostedFormats, joinPieces, readFormat, readHostedImage } from '../images/hosted-image.ts'
import { limitBody, peekUpload, readUpload, readUploadForm } from '../images/read-upload.ts'
import { hash } from './files.ts'
import type { NewFile } from './hosted-file.ts'
import { type Tier, tiers } from './tiers.ts'
import type { UploadOptions } from './upload-options.ts'

/** Enough to tell a file's kind. */
const MAGIC_BYTES = 32

/** As much of a request's body as reading an image needs. */
interface Body {
  readonly declaredBytes: number | null
  readHead(): Promise<{ readonly bytes: Uint8Array; readonly isWhole: boolean }>
  read(limit: number, tooLarge: ErrorCode): AsyncIterable<Uint8Array>
}

/** An image that was uploaded and may be hosted. */
export interface UploadedImage {
  /** Identifies it with its options: the same image, however it was packed. */
  readonly upload: string
  /** SHA-256 of the image as it was sent, in hex. */
  readonly sha256: string
  /** Bytes, as it was sent. */
  readonly size: number
  readonly file: Omit<NewFile, 'isProvisional'> & { readonly content: Uint8Array }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/**
 * What can be said of an upload by its headers and first bytes, before anybody pays.
 * @throws ApiError `no_file`, `empty_file`, `file_too_large`, `unsupported_format`
 */
export async function checkHead(body: Body, contentType: string | null, tier: Tier): Promise<void> {
  const { maxBytes } = tiers[tier]
  const form = readUploadForm(contentType)
  if ((body.declaredBytes ?? 0) > limitBody(form, maxBytes)) throw new ApiError('file_too_large')
  const { bytes, isWhole } = await body.readHead()
  // A copy: the body is read once more when it is taken in.
  if (isWhole) readHostedImage(await readUpload(once(bytes.slice()), contentType, maxBytes))
  else {
    const seen = peekUpload(bytes, contentType)
    if (seen && seen.byteLength >= MAGIC_BYTES) readFormat(seen)
  }
}

/**
 * Takes an upload's image in, whole, and cuts its metadata off unless it is to be kept.
 * @throws ApiError `no_file`, `empty_file`, `file_too_large`, `unsupported_format`, `request_timeout`
 */
export async function readImage(
  body: Body,
  contentType: string | null,
  { keep, ttl }: UploadOptions,
  tier: Tier,
): Promise<UploadedImage> {
  const { maxBytes } = tiers[tier]
  const pieces = body.read(limitBody(readUploadForm(contentType), maxBytes), 'file_too_large')
  const bytes = await readUpload(pieces, contentType, maxBytes, body.declaredBytes)
  const image = readHostedImage(bytes)
  const sha256 = hash(bytes)
  const stripped = joinPieces(image)
  const strippedHash = stripped === bytes ? sha256 : hash(stripped)
  const { width, height, orientation, format } = image
  const file = {
    content: keep ? bytes : stripped,
    hashes: [...new Set([sha256, strippedHash])],
    contentType: hostedFormats[format].contentType,
    picture: { width, height, orientation },
    tier,
    lifeSeconds: Number(ttl),
  }
  return { upload: [sha256, keep, ttl].join(), sha256, size: bytes.byteLength, file }
}
