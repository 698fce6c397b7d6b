import type { Picture } from '../matte/picture.ts'
import type { Pixels } from './photon.ts'

/** How far a place of the result looks to each side, in its own pixels. */
const reach = 3

function lanczos(distance: number): number {
  if (distance === 0) return 1
  if (Math.abs(distance) >= reach) return 0
  const x = Math.PI * distance
  return (reach * Math.sin(x) * Math.sin(x / reach)) / (x * x)
}

/** Along one side: which places of the source make each place of the result, and by which share. */
interface Taps {
  /** The first place of the source, for each of the result. */
  readonly first: Int32Array
  /** Where its weights begin; one more for the end of the last. */
  readonly offsets: Int32Array
  readonly weights: Float32Array
}

/** Weights for `count` places of the result that cover `length` places of the source from `start` on, never fewer. */
function createTaps(sourceLength: number, start: number, length: number, count: number): Taps {
  const step = length / count
  // At the source's own size each pixel is one of its own.
  const near = step === 1 && Number.isInteger(start) ? 0 : reach * step
  const first = new Int32Array(count)
  const offsets = new Int32Array(count + 1)
  const weights: number[] = []
  for (let i = 0; i < count; i += 1) {
    const centre = start + (i + 0.5) * step - 0.5
    const from = Math.max(0, Math.ceil(centre - near))
    const to = Math.min(sourceLength - 1, Math.floor(centre + near))
    const all = Array.from({ length: to - from + 1 }, (_, k) => lanczos((from + k - centre) / step))
    const sum = all.reduce((total, weight) => total + weight, 0)
    first[i] = from
    for (const weight of all) weights.push(weight / sum)
    offsets[i + 1] = weights.length
  }
  return { first, offsets, weights: Float32Array.from(weights) }
}

/** One row of the source, as wide as the result: colours times alpha, and alpha. */
function resampleRow(
  { pixels, width }: Pixels,
  row: number,
  { first, offsets, weights }: Taps,
  to: Float32Array,
): void {
  const start = row * width
  for (let x = 0; x < first.length; x += 1) {
    let [red, green, blue, alpha] = [0, 0, 0, 0]
    let at = (start + first[x]!) * 4
    const end = offsets[x + 1]!
    for (let tap = offsets[x]!; tap < end; tap += 1, at += 4) {
      const share = weights[tap]! * pixels[at + 3]!
      red += share * pixels[at]!
      green += share * pixels[at + 1]!
      blue += share * pixels[at + 2]!
      alpha += share
    }
    to[x * 4] = red
    to[x * 4 + 1] = green
    to[x * 4 + 2] = blue
    to[x * 4 + 3] = alpha
  }
}

const toByte = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : (value + 0.5) | 0)

/** Writes a finished row: colours without alpha again, and none where nothing is seen. */
function writeRow(from: Float32Array, y: number, { pixels, width, origin, stepX, stepY }: Picture): void {
  for (let x = 0; x < width; x += 1) {
    const at = (origin + x * stepX + y * stepY) * 4
    const alpha = from[x * 4 + 3]!
    const seen = toByte(alpha)
    for (let c = 0; c < 3; c += 1) pixels[at + c] = seen ? toByte(from[x * 4 + c]! / alpha) : 0
    pixels[at + 3] = seen
  }
}

/**
 * Resamples a part of a source into all of `target` by Lanczos' kernel, for shrinking and for copying. Alpha weighs
 * colours, so that what is not seen does not show. Photon's own does not do that, and takes up to 90 MiB for it; here a
 * few rows lie beside source and target, since each row of the source is added to those few of the target that
 * it belongs to.
 */
export function resample(
  source: Pixels,
  crop: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  target: Picture,
): void {
  const across = createTaps(source.width, crop.x, crop.width, target.width)
  const down = createTaps(source.height, crop.y, crop.height, target.height)
  const line = new Float32Array(target.width * 4)
  const open: Float32Array[] = []
  const spare: Float32Array[] = []
  let done = 0
  const endOf = (y: number): number => down.first[y]! + down.offsets[y + 1]! - down.offsets[y]!
  for (let row = down.first[0]!; done < target.height; row += 1) {
    resampleRow(source, row, across, line)
    while (done + open.length < target.height && down.first[done + open.length]! <= row) {
      open.push((spare.pop() ?? new Float32Array(line.length)).fill(0))
    }
    for (const [i, sum] of open.entries()) {
      const tap = row - down.first[done + i]!
      if (row >= endOf(done + i)) continue
      const weight = down.weights[down.offsets[done + i]! + tap]!
      for (let k = 0; k < line.length; k += 1) sum[k] = sum[k]! + weight * line[k]!
    }
    while (open.length > 0 && endOf(done) <= row + 1) {
      const sum = open.shift()!
      writeRow(sum, done, target)
      spare.push(sum)
      done += 1
    }
  }
}
