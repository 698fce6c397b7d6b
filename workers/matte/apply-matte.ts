import type { CutOutFacts } from '../../src/matte/matte.ts'
import { half, type Matte } from './alpha.ts'
import { removeGround } from './decontaminate.ts'
import type { Picture } from './picture.ts'
import type { Refinement } from './refinement.ts'
import { type Places, placePixels, StretchedRows } from './stretch.ts'

/** Alpha of a pixel by its colour, as a guide has it `at` (of 4 values a point) and a little further `along`. */
function followColour(guide: Float32Array, at: number, along: number, r: number, g: number, b: number): number {
  const red = guide[at]! + (guide[at + 4]! - guide[at]!) * along
  const green = guide[at + 1]! + (guide[at + 5]! - guide[at + 1]!) * along
  const blue = guide[at + 2]! + (guide[at + 6]! - guide[at + 2]!) * along
  const offset = guide[at + 3]! + (guide[at + 7]! - guide[at + 3]!) * along
  const value = red * r + green * g + blue * b + offset
  return value < 0 ? 0 : value > 255 ? 255 : value
}

/** Gives a pixel the foreground's own colour, from colours that lie `at` (of 6 values a point) and `along`. */
function cleanColour(pixels: Uint8Array, i: number, colours: Float32Array, at: number, along: number): void {
  const alpha = pixels[i + 3]! / 255
  for (let c = 0; c < 3; c += 1) {
    const front = colours[at + c]! + (colours[at + c + 6]! - colours[at + c]!) * along
    const back = colours[at + c + 3]! + (colours[at + c + 9]! - colours[at + c + 3]!) * along
    pixels[i + c] = removeGround(pixels[i + c]!, alpha, front, back) + 0.5
  }
}

/** Box and coverage of a cut-out's foreground; an empty one has an empty box. */
export type Measured = Pick<CutOutFacts, 'bbox' | 'coverage'>

/**
 * Makes a picture its own cut-out, in place, rows at a time: no second copy and no plane of alpha. Each pixel's alpha
 * becomes the matte's, brought to the picture's size, times the alpha that it came with; where that is 0 its colour is
 * 0 too, so that the removed ground is really gone.
 */
export class MatteApplier {
  readonly #matteRows: StretchedRows
  readonly #guideRows: StretchedRows | undefined
  readonly #colourRows: StretchedRows | undefined
  readonly #columns: Places
  readonly #colourColumns: Places
  readonly #pixels: number
  #left: number
  #top: number
  #right = -1
  #bottom = -1
  #count = 0

  /** @param picture the size of the whole, in pixels */
  constructor(
    { alpha, size }: Matte,
    { width, height }: Pick<Picture, 'width' | 'height'>,
    { guide, colours }: Refinement = {},
  ) {
    this.#matteRows = new StretchedRows({ size, channels: 1, values: Float32Array.from(alpha) }, height)
    this.#guideRows = guide && new StretchedRows(guide, height)
    this.#colourRows = colours && new StretchedRows(colours, height)
    this.#columns = placePixels(width, size)
    this.#colourColumns = placePixels(width, colours?.size ?? 1)
    this.#pixels = width * height
    this.#left = width
    this.#top = height
  }

  /** Cuts out the rows from `from` until `to`, of which `picture` must hold the pixels. Each row comes once. */
  applyRows({ pixels, width, hasAlpha, origin, stepX, stepY }: Picture, from: number, to: number): void {
    const columns = this.#columns
    const colourColumns = this.#colourColumns
    const guideRows = this.#guideRows
    const colourRows = this.#colourRows
    // Whole pixels, for the many that are plain.
    const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.length / 4)
    let [left, top, right, bottom, count] = [this.#left, this.#top, this.#right, this.#bottom, this.#count]
    for (let y = from; y < to; y += 1) {
      const matte = this.#matteRows.read(y)
      let guideRow: Float32Array | undefined
      let colourRow: Float32Array | undefined
      for (let x = 0, word = origin + y * stepY; x < width; x += 1, word += stepX) {
        const at = columns.at[x]!
        const along = columns.along[x]!
        let value = matte[at]! + (matte[at + 1]! - matte[at]!) * along
        if (value === 0) {
          words[word] = 0
          continue
        }
        const i = word * 4
        const own = hasAlpha ? pixels[i + 3]! : 255
        // Where the matte is sure, it stays what it is. Colours of pixels with an alpha of their own are nobody's
        // mixture.
        if (guideRows && own === 255 && value < 255) {
          guideRow ??= guideRows.read(y)
          value = followColour(guideRow, at * 4, along, pixels[i]!, pixels[i + 1]!, pixels[i + 2]!)
        }
        const final = ((value * own) / 255 + 0.5) | 0
        if (final === 0) words[word] = 0
        else if (final < 255) {
          pixels[i + 3] = final
          if (colourRows && own === 255) {
            colourRow ??= colourRows.read(y)
            cleanColour(pixels, i, colourRow, colourColumns.at[x]! * 6, colourColumns.along[x]!)
          }
        }
        if (final <= half) continue
        count += 1
        if (x < left) left = x
        if (x > right) right = x
        if (y < top) top = y
        if (y > bottom) bottom = y
      }
    }
    this.#left = left
    this.#top = top
    this.#right = right
    this.#bottom = bottom
    this.#count = count
  }

  /** What was seen in the rows so far. */
  measure(): Measured {
    const [left, top, count] = [this.#left, this.#top, this.#count]
    if (count === 0) return { bbox: [0, 0, 0, 0], coverage: 0 }
    return {
      bbox: [left, top, this.#right - left + 1, this.#bottom - top + 1],
      coverage: count / this.#pixels,
    }
  }
}

/** Makes a picture that lies in memory as a whole its own cut-out. */
export function applyMatte(matte: Matte, picture: Picture, refinement: Refinement = {}): Measured {
  const applier = new MatteApplier(matte, picture, refinement)
  applier.applyRows(picture, 0, picture.height)
  return applier.measure()
}
