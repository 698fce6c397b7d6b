/** Numbers from 0 (included) to 1, always the same ones for the same seed. */
export type Random = () => number

/** Chris Doty-Humphrey's sfc32, seeded with the first 16 of at least as many bytes. */
export function createRandom(seed: Uint8Array): Random {
  const view = new DataView(seed.buffer, seed.byteOffset, 16)
  let [a, b, c, d] = [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)]
  return () => {
    const sum = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }
}

/** A number from 0 to 1 for a place of a grid. */
export function hash(x: number, y: number): number {
  let mixed = Math.imul(x | 0, 0x27d4eb2d) ^ Math.imul(y | 0, 0x165667b1)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39)
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
}

/** Smooth noise from 0 to 1 with one bump for each unit. */
export function noise(x: number, y: number): number {
  const ix = Math.floor(x)
  const iy = Math.floor(y)
  const fx = x - ix
  const fy = y - iy
  const sx = fx * fx * (3 - 2 * fx)
  const left = hash(ix, iy)
  const top = left + (hash(ix + 1, iy) - left) * sx
  const lower = hash(ix, iy + 1)
  const bottom = lower + (hash(ix + 1, iy + 1) - lower) * sx
  return top + (bottom - top) * fy * fy * (3 - 2 * fy)
}

/** Noise of noise: from 0 to 1, large bumps with smaller ones on them. */
export function roughNoise(x: number, y: number, octaves: number): number {
  let sum = 0
  let share = 1
  let total = 0
  let px = x
  let py = y
  for (let i = 0; i < octaves; i += 1) {
    sum += share * noise(px, py)
    total += share
    share /= 2
    // Turned, so that the grids do not show.
    const turned = px * 1.6 - py * 1.2 + 17.3
    py = px * 1.2 + py * 1.6 + 9.1
    px = turned
  }
  return sum / total
}
