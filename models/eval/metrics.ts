import type { AlphaPlane } from './plane.ts'

/** A value above this is subject, wherever a map has to be one or the other. */
const half = 0.5
const tiny = 1e-8

/**
 * Intersection over union of what is above one half in both maps, 0 to 1 (Jaccard index). Two maps without a subject
 * agree: 1.
 */
export function measureIou(seen: AlphaPlane, truth: AlphaPlane): number {
  let [both, either] = [0, 0]
  for (let i = 0; i < truth.values.length; i += 1) {
    const [a, b] = [seen.values[i]! > half, truth.values[i]! > half]
    if (a && b) both += 1
    if (a || b) either += 1
  }
  return either === 0 ? 1 : both / either
}

/** Mean absolute error of alpha, 0 to 1 (Perazzi et al., "Saliency Filters", CVPR 2012). */
export function measureMae(seen: AlphaPlane, truth: AlphaPlane): number {
  let sum = 0
  for (let i = 0; i < truth.values.length; i += 1) sum += Math.abs(seen.values[i]! - truth.values[i]!)
  return sum / truth.values.length
}

interface Spread {
  readonly count: number
  readonly mean: number
  readonly deviation: number
}

/** Mean and standard deviation of some numbers (of a sample: divided by one less than there are). */
function spread(values: Float32Array): Spread {
  const count = values.length
  let [sum, squares] = [0, 0]
  for (let i = 0; i < count; i += 1) sum += values[i]!
  const mean = sum / Math.max(1, count)
  for (let i = 0; i < count; i += 1) squares += (values[i]! - mean) ** 2
  return { count, mean, deviation: Math.sqrt(squares / Math.max(1, count - 1)) }
}

/** How evenly a map is 1 where it should be: equation 5 of the paper. */
function scoreObject(values: Float32Array): number {
  const { count, mean, deviation } = spread(values)
  return count === 0 ? 0 : (2 * mean) / (mean ** 2 + 1 + deviation + tiny)
}

/** Structural similarity of one part of two maps: equations 8 to 10 of the paper. */
function scoreSimilarity(seen: Float32Array, truth: Float32Array): number {
  const n = seen.length
  const [x, y] = [spread(seen), spread(truth)]
  let sum = 0
  for (let i = 0; i < n; i += 1) sum += (seen[i]! - x.mean) * (truth[i]! - y.mean)
  const covariance = sum / (n - 1 + tiny)
  const above = 4 * x.mean * y.mean * covariance
  const below = (x.mean ** 2 + y.mean ** 2) * (x.deviation ** 2 + y.deviation ** 2)
  if (above !== 0) return above / (below + tiny)
  return below === 0 ? 1 : 0
}

/** Where the subject's centre of mass divides the map: counts of columns and rows before the division. */
function findCentre({ width, values }: AlphaPlane): { readonly x: number; readonly y: number } {
  let [x, y, count] = [0, 0, 0]
  for (let i = 0; i < values.length; i += 1) {
    if (values[i]! <= half) continue
    x += i % width
    y += Math.floor(i / width)
    count += 1
  }
  return { x: Math.round(x / count) + 1, y: Math.round(y / count) + 1 }
}

/** What a map is where its truth is subject, and how far it is from subject where that is ground. */
function divide(seen: AlphaPlane, truth: AlphaPlane): readonly [front: Float32Array, back: Float32Array] {
  const [front, back] = [new Float32Array(truth.values.length), new Float32Array(truth.values.length)]
  let count = 0
  for (let i = 0; i < truth.values.length; i += 1) {
    if (truth.values[i]! > half) front[count++] = seen.values[i]!
    else back[i - count] = 1 - seen.values[i]!
  }
  return [front.subarray(0, count), back.subarray(0, truth.values.length - count)]
}

interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** A part of a plane. */
function crop({ width, values }: AlphaPlane, { left, right, top, bottom }: Box): Float32Array {
  const part = new Float32Array((right - left) * (bottom - top))
  for (let y = top; y < bottom; y += 1) {
    part.set(values.subarray(y * width + left, y * width + right), (y - top) * (right - left))
  }
  return part
}

/**
 * S-measure: half how well subject and ground are filled, half how alike the four quarters around the subject's centre
 * are; 0 to 1 (Fan et al., "Structure-measure", ICCV 2017, alpha = 0.5). The truth counts as 0 or 1; the map is taken
 * as it is, not stretched to 0 and 1 first.
 */
export function measureStructure(seen: AlphaPlane, truth: AlphaPlane): number {
  const { width, height } = truth
  const [front, back] = divide(seen, truth)
  const share = front.length / truth.values.length
  // Without subject, or without ground, there is no structure to compare.
  if (share === 0) return spread(back).mean
  if (share === 1) return spread(front).mean
  const object = share * scoreObject(front) + (1 - share) * scoreObject(back)
  const mask = { width, height, values: truth.values.map((value) => (value > half ? 1 : 0)) }
  const { x, y } = findCentre(truth)
  let region = 0
  for (const [top, bottom] of [[0, y] as const, [y, height] as const]) {
    for (const [left, right] of [[0, x] as const, [x, width] as const]) {
      const box = { left, right, top, bottom }
      const part = crop(seen, box)
      if (part.length > 0) region += (part.length / truth.values.length) * scoreSimilarity(part, crop(mask, box))
    }
  }
  return Math.max(0, 0.5 * object + 0.5 * region)
}

/** Precision and recall of one map at each of 255 thresholds: above 0/255, above 1/255, and so on. */
export interface PrecisionRecall {
  readonly precision: Float64Array
  readonly recall: Float64Array
}

const thresholds = 255

/** Precision and recall of a map, of which 256 steps are told apart. Whoever finds nothing has a precision of 0. */
export function measurePrecisionRecall(seen: AlphaPlane, truth: AlphaPlane): PrecisionRecall {
  const [hits, misses] = [new Float64Array(256), new Float64Array(256)]
  let subject = 0
  for (let i = 0; i < truth.values.length; i += 1) {
    const level = Math.round(Math.min(1, Math.max(0, seen.values[i]!)) * 255)
    const isSubject = truth.values[i]! > half
    if (isSubject) subject += 1
    const counts = isSubject ? hits : misses
    counts[level] = counts[level]! + 1
  }
  const [precision, recall] = [new Float64Array(thresholds), new Float64Array(thresholds)]
  let [right, wrong] = [0, 0]
  for (let level = thresholds; level > 0; level -= 1) {
    right += hits[level]!
    wrong += misses[level]!
    precision[level - 1] = right / Math.max(1, right + wrong)
    recall[level - 1] = right / Math.max(1, subject)
  }
  return { precision, recall }
}

/** Precision counts more than recall: the customary weight since Achanta et al., CVPR 2009. */
const betaSquared = 0.3

/**
 * Maximum F-measure of several maps: precision and recall are averaged over the maps at each threshold, and the best
 * threshold's F is taken, with beta squared 0.3 (Achanta et al., CVPR 2009; Borji et al., TIP 2015). Zero for no maps.
 */
export function findMaxF(curves: readonly PrecisionRecall[]): number {
  let best = 0
  for (let i = 0; i < thresholds && curves.length > 0; i += 1) {
    const precision = curves.reduce((sum, curve) => sum + curve.precision[i]!, 0) / curves.length
    const recall = curves.reduce((sum, curve) => sum + curve.recall[i]!, 0) / curves.length
    const below = betaSquared * precision + recall
    if (below > 0) best = Math.max(best, ((1 + betaSquared) * precision * recall) / below)
  }
  return best
}
