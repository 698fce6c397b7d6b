import type { HeaderResult } from './facts.ts'
import { matchesText } from './sniff.ts'

// Flags of a VP8X chunk (RFC 9649, 2.7.1). Whether an ICC profile is sRGB is not looked up: it may lie anywhere.
const animation = 0x02
const icc = 0x20

/**
 * Reads the first chunk of a WebP (RFC 9649): VP8X (the canvas), VP8 or VP8L. Orientation stands in a chunk at the end
 * of the file and is not read. `bytes` begins with `RIFF....WEBP`.
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
      profile: flags & icc ? 'foreign' : 'none',
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
