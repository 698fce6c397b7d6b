import type { Orientation } from './facts.ts'

const orientationTag = 0x0112
const shortType = 3
// A first directory holds a few dozen entries; more is junk.
const maxEntries = 200

/**
 * The orientation in a TIFF structure (EXIF 3.0, 4.5 and 4.6.5): the payload of a PNG's eXIf chunk, or of a JPEG's APP1
 * behind `Exif\0\0`. 1 if there is none or it is not valid.
 */
export function readOrientation(tiff: Uint8Array): Orientation {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  if (view.byteLength < 8) return 1
  const order = view.getUint16(0)
  if (order !== 0x4949 && order !== 0x4d4d) return 1
  const little = order === 0x4949
  const directory = view.getUint32(4, little)
  if (directory + 2 > view.byteLength) return 1
  const count = Math.min(view.getUint16(directory, little), maxEntries)
  for (let i = 0; i < count; i += 1) {
    const entry = directory + 2 + i * 12
    if (entry + 12 > view.byteLength) return 1
    if (view.getUint16(entry, little) !== orientationTag) continue
    if (view.getUint16(entry + 2, little) !== shortType) return 1
    const value = view.getUint16(entry + 8, little)
    return value >= 1 && value <= 8 ? (value as Orientation) : 1
  }
  return 1
}
