/** Marker codes (ITU-T T.81, table B.1). */
export const markers = {
  soi: 0xd8,
  eoi: 0xd9,
  sos: 0xda,
  app0: 0xe0,
  app1: 0xe1,
  app2: 0xe2,
  app14: 0xee,
  dht: 0xc4,
  jpg: 0xc8,
  dac: 0xcc,
  dqt: 0xdb,
  dnl: 0xdc,
  dri: 0xdd,
  comment: 0xfe,
} as const

/** One marker segment of a JPEG. */
export interface JpegSegment {
  readonly marker: number
  /** Offset of the 0xFF before the marker. */
  readonly start: number
  /** What stands behind the length field, a view; null if the length is below 2, which no segment may have. */
  readonly data: Uint8Array | null
  /** Whether all of it lies within the bytes. */
  readonly whole: boolean
}

const isRestart = (marker: number): boolean => marker >= 0xd0 && marker <= 0xd7
const standsAlone = (marker: number): boolean => isRestart(marker) || marker === markers.soi || marker === 0x01

/**
 * Walks the marker segments of a JPEG, lazily, through every scan's entropy-coded data, up to EOI (yielded with empty
 * data) or the end of the bytes. Fill bytes and junk between segments are skipped, as decoders do. Each step moves on
 * by two bytes at least. `bytes` begins with SOI.
 */
export function* readSegments(bytes: Uint8Array): Generator<JpegSegment> {
  const nothing = new Uint8Array(0)
  for (let at = 2; ; ) {
    const start = bytes.indexOf(0xff, at)
    if (start < 0 || start + 1 >= bytes.length) return
    const marker = bytes[start + 1]!
    if (marker === 0xff) {
      at = start + 1
      continue
    }
    // 0xFF00 is a data byte of 0xFF inside a scan (B.1.1.5).
    if (marker === 0 || standsAlone(marker)) {
      at = start + 2
      continue
    }
    if (marker === markers.eoi) {
      yield { marker, start, data: nothing, whole: true }
      return
    }
    if (start + 4 > bytes.length) return
    const length = bytes[start + 2]! * 256 + bytes[start + 3]!
    const end = start + 2 + length
    yield { marker, start, data: length < 2 ? null : bytes.subarray(start + 4, end), whole: end <= bytes.length }
    at = Math.max(end, start + 4)
  }
}

/**
 * Where the picture ends, the offset behind its EOI marker, and how many scans it has; null if it has no end, which
 * means that the file is truncated. What phones append (a Motion Photo's video, a second picture) lies behind.
 */
export function findJpegEnd(bytes: Uint8Array): { readonly end: number; readonly scans: number } | null {
  let scans = 0
  for (const { marker, start } of readSegments(bytes)) {
    if (marker === markers.sos) scans += 1
    if (marker === markers.eoi) return scans > 0 ? { end: start + 2, scans } : null
  }
  return null
}
