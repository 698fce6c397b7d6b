import type { AlphaPlane } from './plane.ts'

/** Sum of absolute differences of alpha, in thousands of pixels (Rhemann et al., CVPR 2009), over the whole map. */
export function measureSad(seen: AlphaPlane, truth: AlphaPlane): number {
  let sum = 0
  for (let i = 0; i < truth.values.length; i += 1) sum += Math.abs(seen.values[i]! - truth.values[i]!)
  return sum / 1000
}

/** Of the Gaussian whose derivative is the gradient: the paper's. */
const sigma = 1.4
/** Beyond this the Gaussian is below 0.01. */
const reach = Math.ceil(sigma * Math.sqrt(-2 * Math.log(Math.sqrt(2 * Math.PI) * sigma * 0.01)))

const offsets = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach)
const normalise = (kernel: readonly number[]): number[] => {
  const length = Math.hypot(...kernel)
  return kernel.map((weight) => weight / length)
}
const gaussian = normalise(offsets.map((x) => Math.exp(-(x * x) / (2 * sigma * sigma))))
const derivative = normalise(offsets.map((x) => x * Math.exp(-(x * x) / (2 * sigma * sigma))))

/** A plane weighed along rows; at the ends the last value goes on. */
function convolveRows({ width, height, values }: AlphaPlane, kernel: readonly number[]): AlphaPlane {
  const out = new Float32Array(values.length)
  const line = new Float32Array(width + 2 * reach)
  for (let start = 0; start < values.length; start += width) {
    line.fill(values[start]!, 0, reach)
    line.set(values.subarray(start, start + width), reach)
    line.fill(values[start + width - 1]!, reach + width)
    for (let x = 0; x < width; x += 1) {
      let sum = 0
      for (let j = 0; j < kernel.length; j += 1) sum += line[x + j]! * kernel[j]!
      out[start + x] = sum
    }
  }
  return { width, height, values: out }
}

/** The same along columns, a row at a time, since that is how they lie in memory. */
function convolveColumns({ width, height, values }: AlphaPlane, kernel: readonly number[]): AlphaPlane {
  const out = new Float32Array(values.length)
  for (let y = 0; y < height; y += 1) {
    for (const [j, weight] of kernel.entries()) {
      const from = Math.min(height - 1, Math.max(0, y + j - reach)) * width
      for (let x = 0, to = y * width; x < width; x += 1) out[to + x] = out[to + x]! + values[from + x]! * weight
    }
  }
  return { width, height, values: out }
}

/** Length of the gradient at each pixel, by the derivatives of a Gaussian. */
function findSlopes(plane: AlphaPlane): Float32Array {
  const across = convolveColumns(convolveRows(plane, derivative), gaussian).values
  const down = convolveColumns(convolveRows(plane, gaussian), derivative).values
  for (let i = 0; i < across.length; i += 1) across[i] = Math.sqrt(across[i]! ** 2 + down[i]! ** 2)
  return across
}

/**
 * Gradient error: sum of squared differences of the lengths of both gradients, by the derivatives of a Gaussian of
 * sigma 1.4 whose kernels have length 1, in thousands (Rhemann et al., "A Perceptually Motivated Online Benchmark for
 * Image Matting", CVPR 2009), over the whole map.
 */
export function measureGradient(seen: AlphaPlane, truth: AlphaPlane): number {
  const [one, other] = [findSlopes(seen), findSlopes(truth)]
  let sum = 0
  for (let i = 0; i < one.length; i += 1) sum += (one[i]! - other[i]!) ** 2
  return sum / 1000
}
