import { readOrientation } from './exif.ts'
import type { Orientation } from './facts.ts'
import { markers } from './jpeg-segments.ts'
import { createOrientationExif } from './orientation-exif.ts'
import { Pieces, type StrippedImage } from './pieces.ts'
import { refuseFile } from './refuse-file.ts'
import { matchesText } from './sniff.ts'
import { readStrictSegments, type StrictSegment } from './strict-jpeg-segments.ts'

const jfifName = 'JFIF\0'
const exifName = 'Exif\0\0'
const iccName = 'ICC_PROFILE\0'
const adobeName = 'Adobe'
/** JFIF's data without a thumbnail (JFIF 1.02, page 5), and Adobe's (Technical Note 5116, section 18). */
const jfifBytes = 14
const adobeBytes = 12

/** A segment of this marker, whose data is `text` and then `bytes`. */
function createSegment(marker: number, text: string, bytes: Uint8Array): Uint8Array {
  const length = 2 + text.length + bytes.length
  const head = [0xff, marker, length >> 8, length & 0xff, ...[...text].map((letter) => letter.charCodeAt(0))]
  return Uint8Array.from([...head, ...bytes])
}

/** Whether the data of DQT (B.2.4.1) is nothing but tables. */
function areQuantizationTables(data: Uint8Array): boolean {
  let at = 0
  // The high bits are 0 for values of 8 bits and 1 for those of 16.
  while (at < data.length && data[at]! < 0x20) at += 1 + 64 * ((data[at]! >> 4) + 1)
  return at === data.length
}

/** Whether the data of DHT (B.2.4.2) is nothing but tables. */
function areHuffmanTables(data: Uint8Array): boolean {
  let at = 0
  while (at < data.length) at += data.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 17)
  return at === data.length
}

const isFrame = (data: Uint8Array): boolean => data[5]! > 0 && data.length === 6 + 3 * data[5]!
const isScan = (data: Uint8Array): boolean => data[0]! > 0 && data[0]! <= 4 && data.length === 4 + 2 * data[0]!
const isShort = (data: Uint8Array): boolean => data.length === 2

interface SegmentKind {
  readonly name: string
  /** Whether data can be that of such a segment. */
  readonly fits: (data: Uint8Array) => boolean
}

const frame: SegmentKind = { name: 'frame header', fits: isFrame }

/**
 * The segments that a picture is made of (table B.1), other than those of hierarchical coding. They are kept whole, and
 * refuse the file if they are not sound.
 */
const pictureSegments: Readonly<Record<number, SegmentKind>> = {
  192: frame,
  193: frame,
  194: frame,
  195: frame,
  201: frame,
  202: frame,
  203: frame,
  [markers.dht]: { name: 'DHT segment', fits: areHuffmanTables },
  [markers.dac]: { name: 'DAC segment', fits: (data) => data.length % 2 === 0 },
  [markers.sos]: { name: 'scan header', fits: isScan },
  [markers.dqt]: { name: 'DQT segment', fits: areQuantizationTables },
  [markers.dnl]: { name: 'DNL segment', fits: isShort },
  [markers.dri]: { name: 'DRI segment', fits: isShort },
}

const isApplication = (marker: number): boolean => marker >= 0xe0 && marker <= 0xef

/** What has been seen of a JPEG, and what is kept of it. */
class JpegStripper {
  readonly #pieces: Pieces
  readonly #fillJfif: (bytes: Uint8Array) => void
  readonly #fillExif: (bytes: Uint8Array) => void
  #hasJfif = false
  #hasScan = false
  #orientation: Orientation | undefined
  #size: { readonly width: number; readonly height: number } | undefined

  constructor(pieces: Pieces) {
    this.#pieces = pieces
    pieces.keep(0, 2)
    // Both want to be the first; readers look for JFIF there and for EXIF in the next.
    this.#fillJfif = pieces.reserve()
    this.#fillExif = pieces.reserve()
  }

  read(segment: StrictSegment): void {
    const { marker, data, start, end } = segment
    const kind = pictureSegments[marker]
    if (kind) {
      if (!kind.fits(data)) refuseFile(`is a JPEG with a ${kind.name} of impossible length`)
      if (kind === frame) this.#readFrame(data)
      if (marker === markers.sos) this.#readScan()
      this.#pieces.keep(start, end)
    } else if (marker === markers.eoi) {
      this.#pieces.keep(start, end)
    } else if (isApplication(marker)) {
      // Decoders have decided about colour and orientation when the first scan begins.
      if (!this.#hasScan) this.#application[marker]?.(segment)
    } else if (marker !== markers.comment) {
      refuseFile(`is a JPEG with a segment FF${marker.toString(16).toUpperCase()} that is not known here`)
    }
  }

  finish(): { width: number; height: number; orientation: Orientation } {
    if (!this.#size) refuseFile('is a JPEG without a frame header')
    if (!this.#hasScan) refuseFile('is a JPEG without a scan')
    const orientation = this.#orientation ?? 1
    if (orientation !== 1) this.#fillExif(createSegment(markers.app1, exifName, createOrientationExif(orientation)))
    return { ...this.#size, orientation }
  }

  #readFrame(data: Uint8Array): void {
    if (this.#size) refuseFile('is a JPEG with two frame headers')
    const height = data[1]! * 256 + data[2]!
    const width = data[3]! * 256 + data[4]!
    if (width === 0 || height === 0) refuseFile(`is a JPEG of ${width} x ${height} pixels, which none can have`)
    this.#size = { width, height }
  }

  #readScan(): void {
    if (!this.#size) refuseFile('is a JPEG with a scan before its frame header')
    this.#hasScan = true
  }

  /** What is read or kept of APPn; the others are left out. */
  readonly #application: Readonly<Record<number, (segment: StrictSegment) => void>> = {
    [markers.app0]: ({ data }) => {
      if (this.#hasJfif || data.length < jfifBytes || !matchesText(data, 0, jfifName)) return
      this.#hasJfif = true
      const withoutThumbnail = Uint8Array.from([...data.subarray(0, jfifBytes - 2), 0, 0])
      this.#fillJfif(createSegment(markers.app0, '', withoutThumbnail))
    },
    [markers.app1]: ({ data }) => {
      if (matchesText(data, 0, exifName)) this.#orientation ??= readOrientation(data.subarray(exifName.length))
    },
    [markers.app2]: ({ data, start, end }) => {
      if (matchesText(data, 0, iccName)) this.#pieces.keep(start, end)
    },
    [markers.app14]: ({ data, start, end }) => {
      if (data.length < adobeBytes || !matchesText(data, 0, adobeName)) return
      if (data.length === adobeBytes) this.#pieces.keep(start, end)
      else this.#pieces.put(createSegment(markers.app14, '', data.subarray(0, adobeBytes)))
    },
  }
}

/**
 * Strips a JPEG (ITU-T T.81). What a camera or phone appends, and fill bytes, are left out too. JFIF's segment moves to
 * the front, and an orientation behind it. `file` begins with SOI. Throws ApiError `unsupported_format`.
 */
export function stripJpeg(file: Uint8Array): StrippedImage {
  const pieces = new Pieces(file)
  const stripper = new JpegStripper(pieces)
  for (const segment of readStrictSegments(file)) stripper.read(segment)
  return { ...stripper.finish(), pieces: pieces.finish(), size: pieces.size }
}
