import { readOrientation } from './exif.ts'
import type { HeaderResult, JpegHeader, Orientation, Profile } from './facts.ts'
import { readProfile } from './icc.ts'
import { markers, readSegments } from './jpeg-segments.ts'
import { matchesText } from './sniff.ts'

const exifName = 'Exif\0\0'
const iccName = 'ICC_PROFILE\0'
const iccHeader = iccName.length + 2

// 25 MB in segments of full length are 400. Each that is left out costs an object, so that millions would fill the
// memory.
const maxSegments = 2000

const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== markers.dht && marker !== markers.jpg && marker !== markers.dac

function readCoding(marker: number): JpegHeader['coding'] {
  if (marker >= 0xc9) return 'arithmetic'
  if (marker >= 0xc5) return 'hierarchical'
  if (marker === 0xc3) return 'lossless'
  return marker === 0xc2 ? 'progressive' : 'baseline'
}

/** Joins the numbered parts of an ICC profile (ICC.1:2022, B.4) and says what it means; `none` unless all are here. */
function readParts(parts: readonly Uint8Array[]): Profile {
  const first = parts[0]
  if (!first || parts.length !== first[iccName.length + 1]) return 'none'
  const sorted = [...parts].sort((a, b) => a[iccName.length]! - b[iccName.length]!)
  const profile = new Uint8Array(sorted.reduce((sum, part) => sum + part.length - iccHeader, 0))
  let at = 0
  for (const part of sorted) {
    profile.set(part.subarray(iccHeader), at)
    at += part.length - iccHeader
  }
  return readProfile(profile)
}

/**
 * Reads the segments before the first scan: frame header (T.81, B.2.2), orientation (APP1), profile (APP2). A second
 * frame header makes the file broken, since decoders then disagree about its size. `bytes` begins with SOI.
 */
export function readJpegHeader(bytes: Uint8Array): HeaderResult {
  let frame: Pick<JpegHeader, 'coding' | 'precision' | 'width' | 'height' | 'components'> | undefined
  let orientation: Orientation | undefined
  const iccParts: Uint8Array[] = []
  let segments = 0
  for (const { marker, data, whole } of readSegments(bytes)) {
    if (data === null) return { broken: 'is a JPEG with a segment of impossible length' }
    segments += 1
    if (segments > maxSegments) return { broken: `is a JPEG of more than ${maxSegments} segments` }
    if (marker === markers.sos || marker === markers.eoi) {
      if (!frame) return { broken: 'is a JPEG without a frame header' }
      break
    }
    if (isFrame(marker)) {
      if (frame) return { broken: 'is a JPEG with two frame headers' }
      if (data.length < 6) return whole ? { broken: 'is a JPEG with too short a frame header' } : 'incomplete'
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
      frame = {
        coding: readCoding(marker),
        precision: view.getUint8(0),
        height: view.getUint16(1),
        width: view.getUint16(3),
        components: view.getUint8(5),
      }
    } else if (marker === markers.app1 && matchesText(data, 0, exifName)) {
      orientation ??= readOrientation(data.subarray(exifName.length))
    } else if (marker === markers.app2 && whole && data.length > iccHeader && matchesText(data, 0, iccName)) {
      iccParts.push(data)
    }
  }
  if (!frame) return 'incomplete'
  return {
    format: 'jpeg',
    ...frame,
    orientation: orientation ?? 1,
    profile: readParts(iccParts),
    animated: false,
  }
}
