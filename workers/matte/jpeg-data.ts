import { findJpegEnd, markers, readSegments } from '../../src/images/jpeg-segments.ts'
import type { JpegFault } from './jpeg-warnings.ts'

/**
 * Encoders write a dozen. Each scan goes over every block of the picture, however few bytes it has, so that a file of
 * 100 KB could keep the decoder busy for half a minute.
 */
const maxScans = 200

/** Below this, what could be left out is not worth a copy. */
const worthACopy = 256 * 1024

/** APP14 tells how colours are coded (ITU-T T.872, 6.5.3), and so does APP0 by being there (T.871, 10.1). */
const adobe = 0xee
const jfif = 0xe0

/** Application segments and comments that decoders do not look at. */
export const isLeftOut = (marker: number): boolean =>
  (marker > jfif && marker <= 0xef && marker !== adobe) || marker === markers.comment

/**
 * What a decoder needs of a JPEG: nothing behind its end, and no large application data (previews, profiles, depth
 * maps), since the decoder holds its input twice. A view of `file` where little could be left out, else a copy without
 * it. Or what is wrong: `truncated` if the file has no end.
 */
export function readPictureData(file: Uint8Array): Uint8Array | JpegFault {
  const found = findJpegEnd(file)
  if (!found) return 'truncated'
  if (found.scans > maxScans) return 'scans'
  const { end } = found
  const kept: Uint8Array[] = []
  let from = 0
  let length = end
  for (const { marker, start, data } of readSegments(file)) {
    if (marker === markers.sos || data === null) break
    if (!isLeftOut(marker)) continue
    kept.push(file.subarray(from, start))
    from = start + 4 + data.length
    length -= from - start
  }
  if (end - length < worthACopy) return file.subarray(0, end)
  kept.push(file.subarray(from, end))
  const copy = new Uint8Array(length)
  let at = 0
  for (const part of kept) {
    copy.set(part, at)
    at += part.length
  }
  return copy
}
