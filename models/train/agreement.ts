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

/** Share of a matte's pixels above one half, and how sure it is of all of them: 1 if each is 0 or 255. */
export function measureMatte(alpha: Uint8Array): { readonly area: number; readonly certainty: number } {
  let [area, certainty] = [0, 0]
  for (const value of alpha) {
    if (value > 127) area += 1
    certainty += Math.abs(value - 127.5) / 127.5
  }
  return { area: area / alpha.length, certainty: certainty / alpha.length }
}

/** What is measured of a label. */
export interface Measures {
  readonly area: number
  readonly certainty: number
  /** Agreement with the matte of the mirrored photograph, mirrored back. */
  readonly mirrorIou: number
  readonly mirrorError: number
  /** Agreement with the matte of the photograph's middle. */
  readonly cropIou: number
}

/** Why a label is thrown away: the first reason that holds. */
const reasons: readonly { readonly reason: string; readonly holds: (measures: Measures) => boolean }[] = [
  { reason: 'too small', holds: ({ area }) => area < 0.03 },
  { reason: 'too large', holds: ({ area }) => area > 0.8 },
  { reason: 'not sure', holds: ({ certainty }) => certainty < 0.93 },
  { reason: 'its mirror image is seen otherwise', holds: ({ mirrorIou }) => mirrorIou < 0.92 },
  { reason: 'its middle is seen otherwise', holds: ({ cropIou }) => cropIou < 0.85 },
]

/** Whether a label is to be trusted: null, or why it is not. */
export const judge = (measures: Measures): string | null => reasons.find(({ holds }) => holds(measures))?.reason ?? null
