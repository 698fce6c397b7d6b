import type { Matte } from './alpha.ts'
import { type Plane, Planes } from './planes.ts'
import type { Grid } from './stretch.ts'

/** How far the filter looks, in pixels of the matte, and how much it smooths. Measured: docs/benchmarks.md, "Edges". */
const RADIUS = 2
const EPSILON = 1e-4

/**
 * The guided filter with a colour guide, at the size of the matte: near each of its pixels alpha as a linear function
 * of the colour, alpha = red * r + green * g + blue * b + offset, all from 0 to 255; the grid holds these four numbers.
 * Brought to the picture's size they make an edge of the matte follow that of the picture. Sources: He, Sun, Tang,
 * "Guided Image Filtering", PAMI 2013, equations 19 to 21; He, Sun, "Fast Guided Filter", 2015, for the use of
 * coefficients from a smaller size.
 * @param thumbnail the picture at the size of the matte: red, green, blue from 0 to 255
 */
export function createGuide({ alpha, size }: Matte, thumbnail: Uint8ClampedArray): Grid {
  const planes = new Planes(size)
  const mean = (plane: Plane) => planes.blur(plane, RADIUS)
  const meanOf = (one: Plane, two: Plane) => mean(planes.multiply(one, two))
  const p = planes.read(alpha)
  const [r, g, b] = [planes.read(thumbnail, 0, 3), planes.read(thumbnail, 1, 3), planes.read(thumbnail, 2, 3)]
  const [rr, rg, rb] = [meanOf(r, r), meanOf(r, g), meanOf(r, b)]
  const [gg, gb, bb] = [meanOf(g, g), meanOf(g, b), meanOf(b, b)]
  const [rp, gp, bp] = [meanOf(r, p), meanOf(g, p), meanOf(b, p)]
  const [mr, mg, mb, mp] = [mean(r), mean(g), mean(b), mean(p)]
  const [ar, ag, ab, offset] = [planes.create(), planes.create(), planes.create(), planes.create()]
  for (let i = 0; i < p.length; i += 1) {
    const [xr, xg, xb, xp] = [mr[i]!, mg[i]!, mb[i]!, mp[i]!]
    // The covariance of the colours, with epsilon on its diagonal, and its inverse by cofactors.
    const srr = rr[i]! - xr * xr + EPSILON
    const srg = rg[i]! - xr * xg
    const srb = rb[i]! - xr * xb
    const sgg = gg[i]! - xg * xg + EPSILON
    const sgb = gb[i]! - xg * xb
    const sbb = bb[i]! - xb * xb + EPSILON
    const c0 = sgg * sbb - sgb * sgb
    const c1 = srb * sgb - srg * sbb
    const c2 = srg * sgb - srb * sgg
    const determinant = srr * c0 + srg * c1 + srb * c2
    const vr = rp[i]! - xr * xp
    const vg = gp[i]! - xg * xp
    const vb = bp[i]! - xb * xp
    const lr = (c0 * vr + c1 * vg + c2 * vb) / determinant
    const lg = (c1 * vr + (srr * sbb - srb * srb) * vg + (srb * srg - srr * sgb) * vb) / determinant
    const lb = (c2 * vr + (srb * srg - srr * sgb) * vg + (srr * sgg - srg * srg) * vb) / determinant
    ar[i] = lr
    ag[i] = lg
    ab[i] = lb
    // Colours and alpha have the same scale; the offset is brought to it.
    offset[i] = 255 * (xp - lr * xr - lg * xg - lb * xb)
  }
  const values = new Float32Array(size * size * 4)
  for (const [channel, plane] of [mean(ar), mean(ag), mean(ab), mean(offset)].entries()) {
    for (let i = 0, to = channel; i < plane.length; i += 1, to += 4) values[to] = plane[i]!
  }
  planes.free()
  return { size, channels: 4, values }
}
