import type { Matte } from './alpha.ts'
import { blur, drawPlane, type Plane } from './planes.ts'

/** How far colours are carried, as shares of the matte's side: first roughly, then near. */
const FAR = 90 / 1024
const NEAR = 6 / 1024
/** Keeps a mean over nothing from being a division by zero. */
const TINY = 1e-5

/** Near each pixel of the matte the foreground's red, green, blue and the ground's, `size * size` times, 0 to 255. */
export interface EdgeColours {
  readonly size: number
  readonly colours: Uint8ClampedArray
}

interface Estimate {
  readonly foreground: Plane
  readonly ground: Plane
}

/** One pass of blur fusion for one channel, 0 to 1: better colours from rough ones (equations 4 and 5, 7). */
function fuse(image: Plane, alpha: Plane, rough: Estimate, size: number, radius: number): Estimate {
  const mean = (combine: (i: number) => number) => blur(drawPlane(size, combine), size, radius)
  const weight = blur(alpha, size, radius)
  const front = mean((i) => rough.foreground[i]! * alpha[i]!)
  const back = mean((i) => rough.ground[i]! * (1 - alpha[i]!))
  const ground = drawPlane(size, (i) => back[i]! / (1 - weight[i]! + TINY))
  const foreground = drawPlane(size, (i) => {
    const colour = front[i]! / (weight[i]! + TINY)
    const rest = image[i]! - alpha[i]! * colour - (1 - alpha[i]!) * ground[i]!
    return Math.min(1, Math.max(0, colour + alpha[i]! * rest))
  })
  return { foreground, ground }
}

/**
 * Estimates which colours are mixed at soft edges, at the size of the matte. Re-implemented from M. Forte, "Approximate
 * Fast Foreground Colour Estimation", ICIP 2021 (blur fusion, two passes).
 * @param thumbnail the picture at the size of the matte: red, green, blue from 0 to 255
 */
export function estimateEdgeColours(matte: Matte, thumbnail: Uint8ClampedArray): EdgeColours {
  const { size } = matte
  const alpha = drawPlane(size, (i) => matte.alpha[i]! / 255)
  const colours = new Uint8ClampedArray(size * size * 6)
  for (let channel = 0; channel < 3; channel += 1) {
    const image = drawPlane(size, (i) => thumbnail[i * 3 + channel]! / 255)
    const far = fuse(image, alpha, { foreground: image, ground: image }, size, Math.max(1, Math.round(size * FAR)))
    const near = fuse(image, alpha, far, size, Math.max(1, Math.round(size * NEAR)))
    for (let i = 0; i < size * size; i += 1) {
      colours[i * 6 + channel] = near.foreground[i]! * 255
      colours[i * 6 + 3 + channel] = near.ground[i]! * 255
    }
  }
  return { size, colours }
}

/** The foreground's own colour of a pixel that shows `seen` under `alpha` (0 to 1), 0 to 255 (equation 7). */
export function removeGround(seen: number, alpha: number, foreground: number, ground: number): number {
  const value = foreground + alpha * (seen - alpha * foreground - (1 - alpha) * ground)
  return value < 0 ? 0 : value > 255 ? 255 : value
}
