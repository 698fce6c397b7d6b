/** How two mattes of one size agree: intersection over union at one half, and mean error of alpha, both 0 to 1. */
export function compareMattes(one: Uint8Array, other: Uint8Array): { readonly iou: number; readonly error: number } {
  let [both, either, error] = [0, 0, 0]
  for (let i = 0; i < one.length; i += 1) {
    const [a, b] = [one[i]!, other[i]!]
    if (a > 127 && b > 127) both += 1
    if (a > 127 || b > 127) either += 1
    error += Math.abs(a - b)
  }
  // Two that see nothing agree.
  return { iou: either === 0 ? 1 : both / either, error: error / one.length / 255 }
}

/** What is measured of one matte. */
export interface Shape {
  /** Share of its pixels above one half. */
  readonly area: number
  /** Mean alpha, 0 to 1. */
  readonly mean: number
  /** Pixels neither clearly ground nor clearly subject, for each pixel of the outline: the width of its edges. */
  readonly blur: number
  /** Pixels far from the outline that might be either, for each pixel above one half. */
  readonly fog: number
  /** Share of its bounding box that it fills. */
  readonly fill: number
}

/** Neither clearly ground nor clearly subject. */
const isUndecided = (value: number): boolean => value > 25 && value < 230
/** Neither ground nor subject: what the teacher is only slightly unsure of does not count. */
const isFog = (value: number): boolean => value > 50 && value < 205

/** How far from the outline a pixel may be undecided, in pixels. */
const reach = 6

/** Marks whatever has a mark within `reach`, in a square. */
function spread(marks: Uint8Array, side: number): Uint8Array {
  const along = (from: Uint8Array, step: number): Uint8Array => {
    const to = new Uint8Array(from.length)
    for (let i = 0; i < from.length; i += 1) {
      if (from[i] === 0) continue
      const at = Math.floor(i / step) % side
      const end = i + Math.min(reach, side - 1 - at) * step
      for (let j = i - Math.min(reach, at) * step; j <= end; j += step) to[j] = 1
    }
    return to
  }
  return along(along(marks, 1), side)
}

/** Measures a square matte. */
export function measureMatte(alpha: Uint8Array): Shape {
  const side = Math.sqrt(alpha.length)
  const outline = new Uint8Array(alpha.length)
  let [area, sum, undecided, edge] = [0, 0, 0, 0]
  let [left, right, top, bottom] = [side, 0, side, 0]
  for (let i = 0; i < alpha.length; i += 1) {
    const value = alpha[i]!
    sum += value
    if (isUndecided(value)) undecided += 1
    if (value <= 127) continue
    area += 1
    left = Math.min(left, i % side)
    right = Math.max(right, (i % side) + 1)
    top = Math.min(top, Math.floor(i / side))
    bottom = Math.max(bottom, Math.floor(i / side) + 1)
    const isInside =
      (i % side === 0 || alpha[i - 1]! > 127) &&
      (i % side === side - 1 || alpha[i + 1]! > 127) &&
      (alpha[i - side] ?? 255) > 127 &&
      (alpha[i + side] ?? 255) > 127
    if (isInside) continue
    edge += 1
    outline[i] = 1
  }
  const near = spread(outline, side)
  const far = alpha.reduce((count, value, i) => count + Number(isFog(value) && near[i] === 0), 0)
  const pixels = alpha.length
  return {
    area: area / pixels,
    mean: sum / pixels / 255,
    blur: undecided / Math.max(edge, side / 4),
    fog: far / Math.max(area, 1),
    fill: area === 0 ? 0 : area / ((right - left) * (bottom - top)),
  }
}

/** What is measured of a label: one matte, and what further views there were. */
export interface Measures extends Shape {
  /** Agreement with the matte of the mirrored photograph, mirrored back. */
  readonly mirrorIou?: number
  readonly mirrorError?: number
  /** Agreement with the matte of the photograph's middle. */
  readonly cropIou?: number
  /** Agreement with the photograph's rough mask, if it has one. */
  readonly roughIou?: number
}

/** Thin things never overlap well: a small error is enough for them, if the middle agrees. */
const isThinButSure = ({ mirrorIou = 0, mirrorError = 1, cropIou = 1 }: Measures): boolean =>
  mirrorIou >= 0.85 && mirrorError < 0.012 && cropIou >= 0.9

/** Why a label is thrown away: the first reason that holds. What was not measured is no reason. */
const reasons: readonly { readonly reason: string; readonly holds: (measures: Measures) => boolean }[] = [
  { reason: 'too small', holds: ({ area }) => area < 0.02 },
  { reason: 'too large', holds: ({ area }) => area > 0.85 },
  // A photograph on a white page is seen as a whole; the straightest cartons fill .97.
  { reason: 'a picture in a frame', holds: ({ fill }) => fill > 0.985 },
  { reason: 'its mirror image is seen otherwise', holds: ({ mirrorError = 0 }) => mirrorError > 0.03 },
  {
    reason: 'its mirror image is seen otherwise',
    holds: (measures) => (measures.mirrorIou ?? 1) < 0.92 && !isThinButSure(measures),
  },
  // After the mirror image: where two views contradict each other, their mean is half seen.
  { reason: 'half seen', holds: ({ fog }) => fog > 0.06 },
  { reason: 'its middle is seen otherwise', holds: ({ cropIou = 1 }) => cropIou < 0.85 },
  { reason: 'its rough mask is another', holds: ({ roughIou = 1 }) => roughIou < 0.9 },
]

/** Whether a label is to be trusted: null, or why it is not. */
export const judge = (measures: Measures): string | null => reasons.find(({ holds }) => holds(measures))?.reason ?? null

/** Whether the teacher sees nothing in a photograph, mirrored or not: null, or why it is no ground. */
export const judgeEmpty = ({ mean, mirrorError = 0 }: Measures): string | null =>
  mean < 0.01 && mirrorError < 0.01 ? null : 'a subject is seen'
