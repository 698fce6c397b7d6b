/** Between which two samples a pixel lies (the second is the next, or the same at the border), and how far along. */
export function locate(pixel: number, scale: number, size: number): { at: number; along: number } {
  const place = Math.min(size - 1, Math.max(0, (pixel + 0.5) * scale - 0.5))
  const at = Math.min(Math.max(size - 2, 0), Math.floor(place))
  return { at, along: place - at }
}

/** A grid of `size` x `size` pixels of several values each, and a picture of another size that it is stretched to. */
export class Stretch {
  readonly #size: number
  readonly #height: number
  readonly #places: Uint16Array
  readonly #shares: Float32Array
  readonly #blended: Float32Array

  constructor(size: number, width: number, height: number) {
    this.#size = size
    this.#height = height
    this.#places = Uint16Array.from({ length: width }, (_, x) => locate(x, size / width, size).at)
    this.#shares = Float32Array.from({ length: width }, (_, x) => locate(x, size / width, size).along)
    this.#blended = new Float32Array(size + 1)
  }

  /** Writes row `y` of the picture from a grid of one value a pixel, bilinearly (half-pixel centres). */
  drawRow(grid: ArrayLike<number>, y: number, row: Float32Array): void {
    const size = this.#size
    const blended = this.#blended
    const { at, along } = locate(y, size / this.#height, size)
    const upper = at * size
    const lower = Math.min(size - 1, at + 1) * size
    for (let i = 0; i < size; i += 1) {
      const value = grid[upper + i]!
      blended[i] = value + (grid[lower + i]! - value) * along
    }
    blended[size] = blended[size - 1]!
    for (let x = 0; x < row.length; x += 1) {
      const place = this.#places[x]!
      const left = blended[place]!
      row[x] = left + (blended[place + 1]! - left) * this.#shares[x]!
    }
  }

  /** Reads the `values.length` values of one pixel of the picture from a grid that has as many for each of its own. */
  readPixel(grid: ArrayLike<number>, x: number, y: number, values: Float32Array): void {
    const size = this.#size
    const channels = values.length
    const { at, along } = locate(y, size / this.#height, size)
    const left = this.#places[x]!
    const right = Math.min(size - 1, left + 1)
    const share = this.#shares[x]!
    const lower = Math.min(size - 1, at + 1)
    for (let c = 0; c < channels; c += 1) {
      const [a, b] = [grid[(at * size + left) * channels + c]!, grid[(at * size + right) * channels + c]!]
      const [d, e] = [grid[(lower * size + left) * channels + c]!, grid[(lower * size + right) * channels + c]!]
      const above = a + (b - a) * share
      values[c] = above + (d + (e - d) * share - above) * along
    }
  }
}
