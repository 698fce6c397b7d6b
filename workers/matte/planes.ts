/** A square plane of floats, `size * size`, row by row. */
export type Plane = Float32Array<ArrayBuffer>

export const createPlane = (size: number): Plane => new Float32Array(size * size)

/** Means over windows of `2 * radius + 1` pixels along rows; at the borders over what there is of the window. */
function blurRows(from: Plane, to: Plane, size: number, radius: number): void {
  for (let y = 0; y < size; y += 1) {
    const start = y * size
    let sum = 0
    let count = 0
    for (let x = 0; x < Math.min(radius, size); x += 1) {
      sum += from[start + x]!
      count += 1
    }
    for (let x = 0; x < size; x += 1) {
      if (x + radius < size) {
        sum += from[start + x + radius]!
        count += 1
      }
      if (x > radius) {
        sum -= from[start + x - radius - 1]!
        count -= 1
      }
      // Transposed, so that a second pass over rows is one over columns.
      to[x * size + y] = sum / count
    }
  }
}

/** The means over square windows of a plane (box filter), in time that does not depend on `radius`. */
export function blur(plane: Plane, size: number, radius: number): Plane {
  const turned = createPlane(size)
  const blurred = createPlane(size)
  blurRows(plane, turned, size, radius)
  blurRows(turned, blurred, size, radius)
  return blurred
}

/** A plane whose every pixel is `combine` of the same pixel's index. */
export function drawPlane(size: number, combine: (i: number) => number): Plane {
  const plane = createPlane(size)
  for (let i = 0; i < plane.length; i += 1) plane[i] = combine(i)
  return plane
}
