import type { CutOutFacts } from '../../src/matte/matte.ts'
import type { Picture } from './picture.ts'

/** A model's answer: 8-bit alpha, size x size, row by row, stretched like the picture that went in. */
export interface Matte {
  readonly alpha: Uint8Array
  readonly size: number
}

/** Alpha above this is foreground: above one half of 255. */
const half = 127
/** Share of the matte's pixels below which a picture has no foreground. */
const leastForeground = 0.001

/** Whether fewer than 0.1 % of the matte's pixels are above one half. */
export function isEmpty({ alpha, size }: Matte): boolean {
  const foreground = alpha.reduce((count, value) => count + (value > half ? 1 : 0), 0)
  return foreground < size * size * leastForeground
}

/** Writes row `y` of the final alpha, `width` bytes. */
export type DrawAlpha = (y: number, row: Uint8Array) => void

/** Between which two samples a pixel lies (the second is the next, or the same at the border), and how far along. */
function locate(pixel: number, scale: number, size: number): { at: number; along: number } {
  const place = Math.min(size - 1, Math.max(0, (pixel + 0.5) * scale - 0.5))
  const at = Math.min(Math.max(size - 2, 0), Math.floor(place))
  return { at, along: place - at }
}

/**
 * The final alpha of a picture, row by row: the matte brought to its size bilinearly (half-pixel centres), times the
 * alpha that the picture came with. Holds two rows of the matte, never a full-size plane.
 */
export function createAlphaRows({ alpha, size }: Matte, picture: Picture): DrawAlpha {
  const { pixels, width, height, hasAlpha, origin, stepX, stepY } = picture
  const places = Uint16Array.from({ length: width }, (_, x) => locate(x, size / width, size).at)
  const shares = Float32Array.from({ length: width }, (_, x) => locate(x, size / width, size).along)
  const blended = new Float32Array(size + 1)
  return (y, row) => {
    const { at, along } = locate(y, size / height, size)
    const upper = at * size
    const lower = Math.min(size - 1, at + 1) * size
    for (let i = 0; i < size; i += 1) {
      const value = alpha[upper + i]!
      blended[i] = value + (alpha[lower + i]! - value) * along
    }
    blended[size] = blended[size - 1]!
    let from = (origin + y * stepY) * 4 + 3
    for (let x = 0; x < width; x += 1, from += stepX * 4) {
      const place = places[x]!
      const left = blended[place]!
      const value = left + (blended[place + 1]! - left) * shares[x]!
      row[x] = (hasAlpha ? (value * pixels[from]!) / 255 : value) + 0.5
    }
  }
}

/** Bounding box and coverage of the foreground, from one pass over the rows. An empty foreground has an empty box. */
export function measureForeground(draw: DrawAlpha, { width, height }: Picture): Pick<CutOutFacts, 'bbox' | 'coverage'> {
  const row = new Uint8Array(width)
  let [left, top, right, bottom, count] = [width, height, -1, -1, 0]
  for (let y = 0; y < height; y += 1) {
    draw(y, row)
    const before = count
    for (let x = 0; x < width; x += 1) {
      if (row[x]! <= half) continue
      count += 1
      if (x < left) left = x
      if (x > right) right = x
    }
    if (count === before) continue
    top = Math.min(top, y)
    bottom = y
  }
  if (count === 0) return { bbox: [0, 0, 0, 0], coverage: 0 }
  return { bbox: [left, top, right - left + 1, bottom - top + 1], coverage: count / (width * height) }
}
