/** A square plane of floats, `size * size`, row by row. */
export type Plane = Float32Array<ArrayBuffer>

export const createPlane = (size: number): Plane => new Float32Array(size * size)

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
 * The means over square windows of a plane (box filter), at the borders over what there is of the window, in time that
 * does not depend on `radius`.
 */
export function blur(plane: Plane, size: number, radius: number): Plane {
  const wide = createPlane(size)
  const blurred = createPlane(size)
  blurRows(plane, wide, size, radius)
  blurColumns(wide, blurred, size, radius)
  return blurred
}

/** The products of two planes, pixel by pixel. */
export function multiply(one: Plane, two: Plane): Plane {
  const product = new Float32Array(one.length)
  for (let i = 0; i < product.length; i += 1) product[i] = one[i]! * two[i]!
  return product
}

/** Every `step`-th value from `first` on, 0 to 255, as a plane from 0 to 1. */
export function readPlane(bytes: Uint8Array | Uint8ClampedArray, first = 0, step = 1): Plane {
  const plane = new Float32Array(bytes.length / step)
  for (let i = 0, from = first; i < plane.length; i += 1, from += step) plane[i] = bytes[from]! / 255
  return plane
}

/** A plane of half the side, rounded up: the means of two by two pixels. */
export function halve(plane: Plane, size: number): Plane {
  const side = (size + 1) >> 1
  const half = createPlane(side)
  for (let y = 0, i = 0; y < side; y += 1) {
    const upper = y * 2 * size
    const lower = Math.min(size - 1, y * 2 + 1) * size
    for (let x = 0; x < side; x += 1, i += 1) {
      const right = Math.min(size - 1, x * 2 + 1)
      half[i] = (plane[upper + x * 2]! + plane[upper + right]! + plane[lower + x * 2]! + plane[lower + right]!) / 4
    }
  }
  return half
}
