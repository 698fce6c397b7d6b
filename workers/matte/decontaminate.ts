import type { Matte } from './alpha.ts'
import { type Plane, Planes } from './planes.ts'
import type { Grid } from './stretch.ts'

/** How far colours are carried, as shares of the picture's side: first roughly, then near. */
const FAR = 90 / 1024
const NEAR = 6 / 1024
/** Keeps a mean over nothing from being a division by zero. */
const TINY = 1e-5

/** One pass of blur fusion for one channel, 0 to 1. */
interface Pass {
  readonly image: Plane
  readonly alpha: Plane
  /** 1 - alpha. */
  readonly rest: Plane
  /** Alpha, blurred as far as this pass looks. */
  readonly weight: Plane
  readonly radius: number
}

interface Estimate {
  readonly foreground: Plane
  readonly ground: Plane
}

/** Better colours from rough ones (equations 4, 5 and 7). */
function fuse({ image, alpha, rest, weight, radius }: Pass, rough: Estimate, planes: Planes): Estimate {
  const foreground = planes.blur(planes.multiply(rough.foreground, alpha), radius)
  const ground = planes.blur(planes.multiply(rough.ground, rest), radius)
  for (let i = 0; i < image.length; i += 1) {
    const share = weight[i]!
    const back = ground[i]! / (1 - share + TINY)
    const front = foreground[i]! / (share + TINY)
    ground[i] = back
    foreground[i] = Math.min(1, Math.max(0, front + alpha[i]! * (image[i]! - alpha[i]! * front - rest[i]! * back)))
  }
  return { foreground, ground }
}

/**
 * Estimates which colours are mixed at soft edges, at half the size of the matte: the grid holds the foreground's red,
 * green and blue and the ground's, 0 to 255. Re-implemented from M. Forte, "Approximate Fast Foreground Colour
 * Estimation", ICIP 2021 (blur fusion, two passes).
 * @param thumbnail the picture at the size of the matte: red, green, blue from 0 to 255
 */
export function estimateEdgeColours(matte: Matte, thumbnail: Uint8ClampedArray): Grid {
  const size = (matte.size + 1) >> 1
  const planes = new Planes(size)
  const alpha = planes.readHalf(matte.alpha, matte.size)
  const rest = planes.create()
  for (let i = 0; i < rest.length; i += 1) rest[i] = 1 - alpha[i]!
  const [far, near] = [FAR, NEAR].map((share) => Math.max(1, Math.round(size * share))) as [number, number]
  const farWeight = planes.blur(planes.copy(alpha), far)
  const nearWeight = planes.blur(planes.copy(alpha), near)
  const values = new Float32Array(size * size * 6)
  for (let channel = 0; channel < 3; channel += 1) {
    const image = planes.readHalf(thumbnail, matte.size, channel, 3)
    const shared = { image, alpha, rest }
    const rough = fuse({ ...shared, weight: farWeight, radius: far }, { foreground: image, ground: image }, planes)
    const { foreground, ground } = fuse({ ...shared, weight: nearWeight, radius: near }, rough, planes)
    for (let i = 0, to = channel; i < image.length; i += 1, to += 6) {
      values[to] = foreground[i]! * 255
      values[to + 3] = ground[i]! * 255
    }
  }
  planes.free()
  return { size, channels: 6, values }
}

/** The foreground's own colour of a pixel that shows `seen` under `alpha` (0 to 1), 0 to 255 (equation 7). */
export function removeGround(seen: number, alpha: number, foreground: number, ground: number): number {
  const value = foreground + alpha * (seen - alpha * foreground - (1 - alpha) * ground)
  return value < 0 ? 0 : value > 255 ? 255 : value
}
