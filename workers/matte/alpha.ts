import type { CutOutFacts } from '../../src/matte/matte.ts'
import type { Guide } from './guided-filter.ts'
import type { Picture } from './picture.ts'
import { Stretch } from './stretch.ts'

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

/**
 * The final alpha of a picture, row by row: the matte brought to its size, times the alpha that the picture came with.
 * With a guide its edges follow those of the picture, else it is stretched. Never holds a full-size plane.
 */
export function createAlphaRows({ alpha, size }: Matte, picture: Picture, guide: Guide | null): DrawAlpha {
  const { pixels, width, height, hasAlpha, origin, stepX, stepY } = picture
  const stretch = new Stretch(size, width, height)
  const plain = new Float32Array(width)
  const line = new Float32Array(4)
  return (y, row) => {
    stretch.drawRow(alpha, y, plain)
    let from = (origin + y * stepY) * 4
    for (let x = 0; x < width; x += 1, from += stepX * 4) {
      let value = plain[x]!
      // Where the matte is sure, it stays what it is.
      if (guide && value > 0 && value < 255) {
        stretch.readPixel(guide.coefficients, x, y, line)
        const guided = line[0]! * pixels[from]! + line[1]! * pixels[from + 1]! + line[2]! * pixels[from + 2]! + line[3]!
        value = guided < 0 ? 0 : guided > 255 ? 255 : guided
      }
      row[x] = (hasAlpha ? (value * pixels[from + 3]!) / 255 : value) + 0.5
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
