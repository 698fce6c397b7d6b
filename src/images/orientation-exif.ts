import type { Orientation } from './facts.ts'

/**
 * The smallest TIFF structure that tells an orientation and nothing else (EXIF 3.0, 4.5.2 and 4.6.5.1.6): header, one
 * directory of one entry, no further directory.
 */
export function createOrientationExif(orientation: Orientation): Uint8Array {
  const header = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8]
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]
  return Uint8Array.from([...header, 0, 1, ...entry, 0, 0, 0, 0])
}
