import type { Matte } from './alpha.ts'
import { blur, drawPlane, type Plane } from './planes.ts'

/** How far the filter looks, in pixels of the matte, and how much it smooths. Measured: docs/benchmarks.md, "Edges". */
const RADIUS = 2
const EPSILON = 1e-4

/**
 * Alpha as a linear function of a pixel's colour, near each pixel of the matte: `size * size` times red, green, blue and
 * an offset, so that alpha = red * r + green * g + blue * b + offset, all from 0 to 255.
 */
export interface Guide {
  readonly size: number
  readonly coefficients: Float32Array
}

/**
 * The guided filter with a colour guide, at the size of the matte; its coefficients, brought to the picture's size,
 * make an edge of the matte follow that of the picture. Sources: He, Sun, Tang, "Guided Image Filtering", PAMI 2013,
 * equations 19 to 21; He, Sun, "Fast Guided Filter", 2015, for the use of coefficients from a smaller size.
 * @param thumbnail the picture at the size of the matte: red, green, blue from 0 to 255
 */
export function createGuide({ alpha, size }: Matte, thumbnail: Uint8ClampedArray): Guide {
  const mean = (plane: Plane) => blur(plane, size, RADIUS)
  const p = drawPlane(size, (i) => alpha[i]! / 255)
  const [r, g, b] = [0, 1, 2].map((c) => drawPlane(size, (i) => thumbnail[i * 3 + c]! / 255)) as [Plane, Plane, Plane]
  const product = (one: Plane, two: Plane) => mean(drawPlane(size, (i) => one[i]! * two[i]!))
  const [mr, mg, mb, mp] = [mean(r), mean(g), mean(b), mean(p)]
  const [rr, rg, rb, gg, gb, bb] = [
    product(r, r),
    product(r, g),
    product(r, b),
    product(g, g),
    product(g, b),
    product(b, b),
  ]
  const [rp, gp, bp] = [product(r, p), product(g, p), product(b, p)]
  const [ar, ag, ab] = [drawPlane(size, () => 0), drawPlane(size, () => 0), drawPlane(size, () => 0)]
  const offset = drawPlane(size, (i) => {
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
    ar[i] = (c0 * vr + c1 * vg + c2 * vb) / determinant
    ag[i] = (c1 * vr + (srr * sbb - srb * srb) * vg + (srb * srg - srr * sgb) * vb) / determinant
    ab[i] = (c2 * vr + (srb * srg - srr * sgb) * vg + (srr * sgg - srg * srg) * vb) / determinant
    return xp - ar[i]! * xr - ag[i]! * xg - ab[i]! * xb
  })
  const coefficients = new Float32Array(size * size * 4)
  for (const [c, plane] of [mean(ar), mean(ag), mean(ab), mean(offset)].entries()) {
    // Colours and alpha have the same scale; the offset is brought to it.
    const scale = c === 3 ? 255 : 1
    for (let i = 0; i < plane.length; i += 1) coefficients[i * 4 + c] = plane[i]! * scale
  }
  return { size, coefficients }
}
