/** A model's answer: 8-bit alpha, size x size, row by row, stretched like the picture that went in. */
export interface Matte {
  readonly alpha: Uint8Array
  readonly size: number
}

/** Alpha above this is foreground: above one half of 255. */
export const half = 127
/** Share of the matte's pixels below which a picture has no foreground. */
const leastForeground = 0.001

/**
 * How unsure a matte is, 0 to 1: what is undecided in it, beside what is foreground. An edge is undecided by nature, and
 * of a small or a thin subject it is more; fog, of which networks make much where they do not know, is far more.
 */
export function measureDoubt({ alpha }: Matte): number {
  let [undecided, foreground] = [0, 0]
  for (const value of alpha) {
    undecided += 255 - Math.abs(2 * value - 255)
    foreground += value
  }
  return foreground === 0 ? 1 : Math.min(1, undecided / foreground)
}

/** Whether fewer than 0.1 % of the matte's pixels are above one half. */
export function isEmpty({ alpha, size }: Matte): boolean {
  const foreground = alpha.reduce((count, value) => count + (value > half ? 1 : 0), 0)
  return foreground < size * size * leastForeground
}
