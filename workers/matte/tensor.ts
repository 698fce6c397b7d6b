import type { MatteModel } from '../../models/index.ts'
import { free, type Picture } from './picture.ts'

/** Which source samples make one target sample, and with what weights: `weights[i]` belongs to sample `start + i`. */
interface Window {
  readonly start: number
  readonly weights: Float32Array
}

const lobes = 3

/** The Lanczos kernel with three lobes, as Pillow and sharp shrink pictures, and as the models were trained. */
function lanczos(x: number): number {
  if (x === 0) return 1
  if (Math.abs(x) >= lobes) return 0
  const t = Math.PI * x
  return (lobes * Math.sin(t) * Math.sin(t / lobes)) / (t * t)
}

/** The windows that bring `from` samples to `to`; half-pixel centres, widened when shrinking, cut at the borders. */
export function planWindows(from: number, to: number): Window[] {
  const scale = from / to
  const widening = Math.max(scale, 1)
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const start = Math.max(0, Math.floor(centre - lobes * widening + 0.5))
    const end = Math.min(from, Math.floor(centre + lobes * widening + 0.5))
    const weights = Float32Array.from({ length: end - start }, (__, j) =>
      lanczos((start + j + 0.5 - centre) / widening),
    )
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return { start, weights: weights.map((weight) => weight / sum) }
  })
}

/** One upright row as RGB floats, 0 to 255; what is transparent is seen on white, whatever colour hides under it. */
function readRow(picture: Picture, y: number, row: Float32Array): void {
  const { pixels, width, stepX, origin, stepY, hasAlpha } = picture
  let from = (origin + y * stepY) * 4
  for (let to = 0; to < width * 3; to += 3, from += stepX * 4) {
    const alpha = hasAlpha ? pixels[from + 3]! / 255 : 1
    const ground = 255 * (1 - alpha)
    row[to] = pixels[from]! * alpha + ground
    row[to + 1] = pixels[from + 1]! * alpha + ground
    row[to + 2] = pixels[from + 2]! * alpha + ground
  }
}

function shrinkRow(row: Float32Array, windows: readonly Window[], shrunk: Float32Array): void {
  let to = 0
  for (const { start, weights } of windows) {
    let red = 0
    let green = 0
    let blue = 0
    for (let i = 0, from = start * 3; i < weights.length; i += 1, from += 3) {
      const weight = weights[i]!
      red += row[from]! * weight
      green += row[from + 1]! * weight
      blue += row[from + 2]! * weight
    }
    shrunk[to] = red
    shrunk[to + 1] = green
    shrunk[to + 2] = blue
    to += 3
  }
}

/** What the model sees of a picture. */
export interface ModelInput {
  /** 3 x size x size floats, RGB planes, normalised as the model's row says. */
  readonly tensor: Float32Array
  /** The same pixels, size x size, red, green, blue from 0 to 255. */
  readonly thumbnail: Uint8ClampedArray
}

/**
 * Makes the model's input of a picture that comes row by row: it is stretched to the square by Lanczos. Reads each row
 * once and keeps one at a time.
 */
export class InputBuilder {
  readonly #input: MatteModel['input']
  readonly #columns: readonly Window[]
  readonly #rows: readonly Window[]
  readonly #row: Float32Array
  readonly #shrunk: Float32Array
  readonly #sums: Float32Array
  /** The first row of the square to which rows may still be added. */
  #first = 0

  /** @param picture the size of the whole, in pixels */
  constructor({ width, height }: Pick<Picture, 'width' | 'height'>, input: MatteModel['input']) {
    const { size } = input
    this.#input = input
    this.#columns = planWindows(width, size)
    this.#rows = planWindows(height, size)
    this.#row = new Float32Array(width * 3)
    this.#shrunk = new Float32Array(size * 3)
    this.#sums = new Float32Array(size * size * 3)
  }

  /** Takes in the rows from `from` until `to`, of which `picture` must hold the pixels. Rows come in order. */
  addRows(picture: Picture, from: number, to: number): void {
    const rows = this.#rows
    const shrunk = this.#shrunk
    const sums = this.#sums
    const { size } = this.#input
    for (let y = from; y < to; y += 1) {
      readRow(picture, y, this.#row)
      shrinkRow(this.#row, this.#columns, shrunk)
      // Windows begin in order, so those that ended above this row never come back.
      while (rows[this.#first]!.start + rows[this.#first]!.weights.length <= y) this.#first += 1
      for (let target = this.#first; target < size && rows[target]!.start <= y; target += 1) {
        const weight = rows[target]!.weights[y - rows[target]!.start] ?? 0
        const base = target * size * 3
        for (let i = 0; i < size * 3; i += 1) sums[base + i] = sums[base + i]! + shrunk[i]! * weight
      }
    }
  }

  /** The input, once every row has been added. Ends the builder. */
  finish(): ModelInput {
    const { size, mean, std } = this.#input
    const sums = this.#sums
    const plane = size * size
    const tensor = new Float32Array(plane * 3)
    const thumbnail = new Uint8ClampedArray(plane * 3)
    for (let i = 0; i < plane; i += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        const value = Math.min(255, Math.max(0, sums[i * 3 + channel]!))
        thumbnail[i * 3 + channel] = value
        tensor[channel * plane + i] = (value / 255 - mean[channel]!) / std[channel]!
      }
    }
    free(sums)
    return { tensor, thumbnail }
  }
}

/** The model's input for a picture that lies in memory as a whole. */
export function createInput(picture: Picture, input: MatteModel['input']): ModelInput {
  const builder = new InputBuilder(picture, input)
  builder.addRows(picture, 0, picture.height)
  return builder.finish()
}
