import { matchesText } from './sniff.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

/** The size in the key frame that a VP8 chunk begins with (RFC 6386, 9.1), null if none begins there. */
function readLossySize(data: Uint8Array): Size | null {
  // Of the frame tag, the lowest bit is 0 in key frames, the fifth 1 in those that are shown. The start code follows.
  if (data.length < 10 || (data[0]! & 0x11) !== 0x10 || !matchesText(data, 3, '\x9d\x01\x2a')) return null
  const firstPartition = (data[0]! | (data[1]! << 8) | (data[2]! << 16)) >> 5
  if (firstPartition > data.length - 10) return null
  return { width: (data[6]! | (data[7]! << 8)) & 0x3fff, height: (data[8]! | (data[9]! << 8)) & 0x3fff }
}

/** The size in the header of a VP8L chunk (RFC 9649, 3.4), null if none begins there. */
function readLosslessSize(data: Uint8Array): Size | null {
  // Five bytes are the header; the three highest bits tell the version, which is 0.
  if (data.length < 6 || data[0] !== 0x2f || data[4]! >> 5 !== 0) return null
  const bits = data[1]! | (data[2]! << 8) | (data[3]! << 16) | (data[4]! << 24)
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
}

const sizeReaders: Readonly<Record<string, (data: Uint8Array) => Size | null>> = {
  'VP8 ': readLossySize,
  VP8L: readLosslessSize,
}

/** Whether a chunk of this type holds a picture. */
export const isPicture = (type: string): boolean => Object.hasOwn(sizeReaders, type)

/** The size that a picture chunk tells by itself; null if it is none, or says 0. */
export function readPictureSize(type: string, data: Uint8Array): Size | null {
  const size = isPicture(type) ? sizeReaders[type]!(data) : null
  return size && size.width > 0 && size.height > 0 ? size : null
}
