import { readOrientation } from './exif.ts'
import type { HeaderResult, Orientation, Profile } from './facts.ts'
import { readProfile } from './icc.ts'
import { matchesText } from './sniff.ts'
import { readWebpChunks } from './webp-chunks.ts'

/** Flag of a VP8X chunk (RFC 9649, 2.7.1). */
const animation = 0x02
const exifName = 'Exif\0\0'

/** Orientation and profile, from the chunks that lie within the bytes: EXIF stands at the end of the file. */
function readExtras(bytes: Uint8Array): { orientation: Orientation; profile: Profile } {
  let orientation: Orientation = 1
  let profile: Profile | null = null
  for (const { type, data, whole } of readWebpChunks(bytes)) {
    if (!whole) break
    if (type === 'ICCP' && profile === null) profile = readProfile(data)
    // Some writers put JPEG's name before it.
    if (type === 'EXIF') orientation = readOrientation(matchesText(data, 0, exifName) ? data.subarray(6) : data)
  }
  return { orientation, profile: profile ?? 'none' }
}

/**
 * Reads the first chunk of a WebP (RFC 9649): VP8X (the canvas), VP8 or VP8L, and what further chunks tell. `bytes`
 * begins with `RIFF....WEBP`.
 */
export function readWebpHeader(bytes: Uint8Array): HeaderResult {
  if (bytes.length < 30) return 'incomplete'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const facts = { format: 'webp', orientation: 1, profile: 'none', animated: false, lossless: false } as const
  if (matchesText(bytes, 12, 'VP8X')) {
    const flags = view.getUint8(20)
    return {
      ...facts,
      width: (view.getUint32(24, true) & 0xffffff) + 1,
      height: (view.getUint32(26, true) >>> 8) + 1,
      animated: (flags & animation) !== 0,
      ...readExtras(bytes),
    }
  }
  if (matchesText(bytes, 12, 'VP8L') && view.getUint8(20) === 0x2f) {
    const bits = view.getUint32(21, true)
    return { ...facts, lossless: true, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  // The start code of a key frame (RFC 6386, 9.1).
  if (matchesText(bytes, 12, 'VP8 ') && matchesText(bytes, 23, '\x9d\x01\x2a')) {
    return { ...facts, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
  }
  return { broken: 'is a WebP without a picture chunk' }
}
