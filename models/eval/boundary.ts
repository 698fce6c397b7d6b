import type { AlphaPlane } from './plane.ts'

/** Share of the map's diagonal that the band along a boundary is wide: the paper's, for all its sets but one. */
const bandShare = 0.02

/** Whether each value of a line, and `reach` on both sides of it, is set; what lies outside is not. */
function erodeLine(from: Uint8Array, to: Uint8Array, start: number, step: number, length: number, reach: number): void {
  let run = 0
  for (let i = 0; i < length; i += 1) {
    run = from[start + i * step] === 1 ? run + 1 : 0
    const centre = i - reach
    if (centre >= 0) to[start + centre * step] = run >= 2 * reach + 1 ? 1 : 0
  }
  for (let i = Math.max(0, length - reach); i < length; i += 1) to[start + i * step] = 0
}

/** A mask less its inner part: the band of so many pixels along its boundary, inside it. The map's border is one too. */
function findBand(mask: Uint8Array, width: number, height: number, reach: number): Uint8Array {
  const [rows, inner] = [new Uint8Array(mask.length), new Uint8Array(mask.length)]
  for (let y = 0; y < height; y += 1) erodeLine(mask, rows, y * width, 1, width, reach)
  for (let x = 0; x < width; x += 1) erodeLine(rows, inner, x, width, height, reach)
  for (let i = 0; i < mask.length; i += 1) inner[i] = mask[i]! & ~inner[i]!
  return inner
}

/**
 * Boundary IoU: intersection over union of the bands along the boundaries of both masks, 2 % of the diagonal wide and
 * one pixel at least; 0 to 1 (Cheng et al., "Boundary IoU", CVPR 2021). What is above one half is subject; two maps
 * without one agree: 1.
 */
export function measureBoundaryIou(seen: AlphaPlane, truth: AlphaPlane): number {
  const { width, height } = truth
  const reach = Math.max(1, Math.round(bandShare * Math.hypot(width, height)))
  const [one, other] = [seen, truth].map(({ values }) => {
    const mask = new Uint8Array(values.length)
    for (let i = 0; i < mask.length; i += 1) mask[i] = values[i]! > 0.5 ? 1 : 0
    return findBand(mask, width, height, reach)
  }) as [Uint8Array, Uint8Array]
  let [both, either] = [0, 0]
  for (let i = 0; i < one.length; i += 1) {
    both += one[i]! & other[i]!
    either += one[i]! | other[i]!
  }
  return either === 0 ? 1 : both / either
}
