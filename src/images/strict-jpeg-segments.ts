import { type JpegSegment, markers } from './jpeg-segments.ts'
import { refuseFile, refuseTruncated } from './refuse-file.ts'

/** A segment of a sound JPEG; of SOS, with the entropy-coded data behind it. */
export interface StrictSegment extends Pick<JpegSegment, 'marker' | 'start'> {
  readonly data: Uint8Array
  /** Offset behind it. */
  readonly end: number
}

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7

/** Where the entropy-coded data from `from` ends: before the first marker but RSTn, fill bytes included (B.1.1.5). */
function findScanEnd(file: Uint8Array, from: number): number {
  for (let at = from; ; ) {
    const start = file.indexOf(0xff, at)
    let last = start
    while (last >= 0 && file[last + 1] === 0xff) last += 1
    const marker = last < 0 ? undefined : file[last + 1]
    if (marker === undefined) refuseTruncated('JPEG')
    if (marker !== 0 && !isRestart(marker)) return start
    at = last + 2
  }
}

/**
 * Walks the segments of a JPEG (ITU-T T.81, annex B) up to EOI, which is yielded, and refuses what `readSegments`
 * forgives: other bytes than fill bytes where a marker must stand, markers without a length, impossible lengths, an
 * empty scan, no end. Fill bytes belong to no segment. `file` begins with SOI. Throws ApiError `unsupported_format`.
 */
export function* readStrictSegments(file: Uint8Array): Generator<StrictSegment> {
  for (let at = 2; ; ) {
    if (at >= file.length) refuseTruncated('JPEG')
    if (file[at] !== 0xff) refuseFile('is a JPEG with bytes between its segments that belong to none')
    let start = at
    while (file[start + 1] === 0xff) start += 1
    const marker = file[start + 1]
    if (marker === undefined) refuseTruncated('JPEG')
    if (marker === markers.eoi) {
      yield { marker, start, data: file.subarray(start + 2, start + 2), end: start + 2 }
      return
    }
    // 00 to BF, RSTn and SOI have no length that could be trusted.
    if (marker < 0xc0 || isRestart(marker) || marker === markers.soi) {
      refuseFile(`is a JPEG with FF${marker.toString(16).padStart(2, '0').toUpperCase()} where a segment must stand`)
    }
    if (start + 4 > file.length) refuseTruncated('JPEG')
    const dataEnd = start + 2 + file[start + 2]! * 256 + file[start + 3]!
    if (dataEnd < start + 4) refuseFile('is a JPEG with a segment of impossible length')
    if (dataEnd > file.length) refuseTruncated('JPEG')
    const end = marker === markers.sos ? findScanEnd(file, dataEnd) : dataEnd
    if (marker === markers.sos && end === dataEnd) refuseFile('is a JPEG with an empty scan')
    yield { marker, start, data: file.subarray(start + 4, dataEnd), end }
    at = end
  }
}
