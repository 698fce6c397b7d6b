import { ApiError } from '../../src/errors.ts'

const messages = {
  truncated: 'The image is a truncated JPEG; send the whole file.',
  damaged: 'The image is a damaged JPEG; send a sound file.',
  scans: 'The image is a JPEG of too many scans for its size; save it anew with 40 or fewer.',
} as const

export type JpegFault = keyof typeof messages

/** The error for a JPEG that cannot be decoded in full. */
export const refuseJpeg = (fault: JpegFault): ApiError => new ApiError('invalid_image', { message: messages[fault] })

/** Warnings of libjpeg's decoder (its jerror.h) after which every pixel is still the picture's. */
const harmless = [
  /extraneous bytes before marker/,
  /Unknown Adobe color transform/,
  /Unknown JFIF revision/,
  /Invalid SOS parameters/,
]
const premature = /[Pp]remature end/

/**
 * What the decoder's warnings mean: nothing (null), or that part of the picture is missing or wrong. libjpeg warns and
 * goes on with grey where other libraries stop.
 */
export function describeWarning(warnings: readonly string[]): JpegFault | null {
  const serious = warnings.filter((line) => !harmless.some((pattern) => pattern.test(line)))
  if (serious.length === 0) return null
  return serious.some((line) => premature.test(line)) ? 'truncated' : 'damaged'
}
