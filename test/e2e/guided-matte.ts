/** Means over a window of 5 x 5 pixels, of what of it lies in the picture, one number a pixel. */
function average(values: (i: number) => number, size: number): Float64Array {
  const means = new Float64Array(size * size)
  for (let i = 0; i < means.length; i++) {
    let [sum, count] = [0, 0]
    for (let y = Math.floor(i / size) - 2; y <= Math.floor(i / size) + 2; y++) {
      for (let x = (i % size) - 2; x <= (i % size) + 2; x++) {
        if (x < 0 || y < 0 || x >= size || y >= size) continue
        sum += values(y * size + x)
        count += 1
      }
    }
    means[i] = sum / count
  }
  return means
}

/** Solves three linear equations by elimination. */
function solve(rows: number[][]): number[] {
  for (let pivot = 0; pivot < 3; pivot++) {
    for (let other = 0; other < 3; other++) {
      if (other === pivot) continue
      const factor = rows[other]![pivot]! / rows[pivot]![pivot]!
      rows[other] = rows[other]!.map((value, i) => value - factor * rows[pivot]![i]!)
    }
  }
  return rows.map((row, i) => row[3]! / row[i]!)
}

/**
 * The guided filter with a colour guide (He, Sun, Tang, PAMI 2013, equations 19 to 21; radius 2, epsilon 1e-4), as it is
 * written there: for each pixel of a square matte, red, green and blue's share of alpha and an offset, 0 to 1.
 */
export function guideMatte(alpha: Uint8Array, picture: Buffer, size: number): Float64Array[] {
  const p = (i: number) => alpha[i]! / 255
  const colours = [0, 1, 2].map((c) => (i: number) => picture[i * 3 + c]! / 255)
  const means = colours.map((colour) => average(colour, size))
  const mean = average(p, size)
  const squares = colours.map((one) => colours.map((two) => average((i) => one(i) * two(i), size)))
  const products = colours.map((colour) => average((i) => colour(i) * p(i), size))
  const lines = Array.from(alpha, (_, i) => {
    const rows = colours.map((_, a) => [
      ...colours.map((_, b) => squares[a]![b]![i]! - means[a]![i]! * means[b]![i]! + (a === b ? 1e-4 : 0)),
      products[a]![i]! - means[a]![i]! * mean[i]!,
    ])
    const shares = solve(rows)
    return [...shares, mean[i]! - shares.reduce((sum, share, c) => sum + share * means[c]![i]!, 0)]
  })
  return [0, 1, 2, 3].map((c) => average((i) => lines[i]![c]!, size))
}

/** What lies at a pixel of a picture in a square grid that is stretched to it bilinearly, half-pixel centres. */
export function stretched(grid: ArrayLike<number>, size: number, x: number, y: number, width: number, height: number) {
  const place = (at: number, length: number) => Math.min(size - 1, Math.max(0, ((at + 0.5) * size) / length - 0.5))
  const [u, v] = [place(x, width), place(y, height)]
  const [left, top] = [Math.floor(u), Math.floor(v)]
  const [right, bottom] = [Math.min(size - 1, left + 1), Math.min(size - 1, top + 1)]
  const row = (at: number) => grid[at * size + left]! * (1 - u + left) + grid[at * size + right]! * (u - left)
  return row(top) * (1 - v + top) + row(bottom) * (v - top)
}
