import { free } from './picture.ts'

/** A square plane of floats, `size * size`, row by row. */
export type Plane = Float32Array<ArrayBuffer>

/** Means over windows of `2 * radius + 1` values along each row. */
function blurRows(from: Plane, to: Plane, size: number, radius: number): void {
  for (let start = 0; start < from.length; start += size) {
    let sum = 0
    let count = 0
    for (; count < radius && count < size; count += 1) sum += from[start + count]!
    for (let x = 0; x < size; x += 1) {
      if (x + radius < size) {
        sum += from[start + x + radius]!
        count += 1
      }
      if (x > radius) {
        sum -= from[start + x - radius - 1]!
        count -= 1
      }
      to[start + x] = sum / count
    }
  }
}

/** The same along columns, a row at a time, since that is how they lie in memory. */
function blurColumns(from: Plane, to: Plane, size: number, radius: number): void {
  const sums = new Float32Array(size)
  let count = 0
  const add = (y: number) => {
    for (let x = 0, i = y * size; x < size; x += 1, i += 1) sums[x] = sums[x]! + from[i]!
    count += 1
  }
  for (let y = 0; y < Math.min(radius, size); y += 1) add(y)
  for (let y = 0; y < size; y += 1) {
    if (y + radius < size) add(y + radius)
    if (y > radius) {
      for (let x = 0, i = (y - radius - 1) * size; x < size; x += 1, i += 1) sums[x] = sums[x]! - from[i]!
      count -= 1
    }
    for (let x = 0, i = y * size; x < size; x += 1, i += 1) to[i] = sums[x]! / count
  }
}

/**
 * The planes of one task, all of one size. They are freed together when it is done: left to the collector they would
 * lie in memory beside the next picture.
 */
export class Planes {
  readonly #size: number
  readonly #made: Plane[] = []
  readonly #wide: Plane

  constructor(size: number) {
    this.#size = size
    this.#wide = this.create()
  }

  create(): Plane {
    const plane = new Float32Array(this.#size * this.#size)
    this.#made.push(plane)
    return plane
  }

  copy(plane: Plane): Plane {
    const copied = this.create()
    copied.set(plane)
    return copied
  }

  /** Every `step`-th value from `first` on, 0 to 255, as a plane from 0 to 1. */
  read(bytes: Uint8Array | Uint8ClampedArray, first = 0, step = 1): Plane {
    const plane = this.create()
    for (let i = 0, from = first; i < plane.length; i += 1, from += step) plane[i] = bytes[from]! / 255
    return plane
  }

  /** The same of values that lie in twice as many rows and columns, or one fewer: the means of two by two. */
  readHalf(bytes: Uint8Array | Uint8ClampedArray, side: number, first = 0, step = 1): Plane {
    const half = this.create()
    for (let y = 0, i = 0; y < this.#size; y += 1) {
      const upper = y * 2 * side
      const lower = Math.min(side - 1, y * 2 + 1) * side
      for (let x = 0; x < this.#size; x += 1, i += 1) {
        const right = Math.min(side - 1, x * 2 + 1)
        const [a, b] = [bytes[first + (upper + x * 2) * step]!, bytes[first + (upper + right) * step]!]
        const [c, d] = [bytes[first + (lower + x * 2) * step]!, bytes[first + (lower + right) * step]!]
        half[i] = (a + b + c + d) / 1020
      }
    }
    return half
  }

  /** The products of two planes, pixel by pixel. */
  multiply(one: Plane, two: Plane): Plane {
    const product = this.create()
    for (let i = 0; i < product.length; i += 1) product[i] = one[i]! * two[i]!
    return product
  }

  /**
   * Makes each value of a plane the mean over a square window around it (box filter), at the borders over what there is
   * of the window, in time that does not depend on `radius`. Answers the plane.
   */
  blur(plane: Plane, radius: number): Plane {
    blurRows(plane, this.#wide, this.#size, radius)
    blurColumns(this.#wide, plane, this.#size, radius)
    return plane
  }

  /** Ends the planes: they are empty from here on. */
  free(): void {
    for (const plane of this.#made.splice(0)) free(plane)
  }
}
