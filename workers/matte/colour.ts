import type { MatrixProfile, Profile } from '../../src/images/facts.ts'

/** Linear sRGB of X, Y, Z under D50: the inverse of sRGB's columns (Bradford adaptation; ICC.1:2022, Annex E). */
const toSrgb = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
] as const

/** Steps of linear light; the curve is steepest at 0, where one step is 0.2 of 255. */
const steps = 16384

const encodeSrgb = (linear: number): number =>
  linear <= 0.0031308 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055

/** sRGB's 8-bit value for each step of linear light. */
const tabulateSrgb = (): Uint8Array =>
  Uint8Array.from({ length: steps + 1 }, (_, i) => Math.round(encodeSrgb(i / steps) * 255))

/** Steps of linear light for each 8-bit value. */
const tabulateCurve = (curve: (value: number) => number): Float32Array =>
  Float32Array.from({ length: 256 }, (_, value) => curve(value / 255) * steps)

/** The matrix from a profile's linear colours to sRGB's, row by row: nine numbers. */
function multiplyMatrices(columns: MatrixProfile['columns']): readonly number[] {
  return toSrgb.flatMap(([x, y, z]) => columns.map((column) => x * column[0] + y * column[1] + z * column[2]))
}

const toStep = (value: number): number => (value < 0 ? 0 : value > steps ? steps : (value + 0.5) | 0)

function convertColours(pixels: Uint8Array, { curves, columns }: MatrixProfile): void {
  const srgb = tabulateSrgb()
  const [red, green, blue] = curves.map(tabulateCurve) as [Float32Array, Float32Array, Float32Array]
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = multiplyMatrices(columns) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  for (let i = 0; i < pixels.length; i += 4) {
    const r = red[pixels[i]!]!
    const g = green[pixels[i + 1]!]!
    const b = blue[pixels[i + 2]!]!
    pixels[i] = srgb[toStep(rr * r + rg * g + rb * b)]!
    pixels[i + 1] = srgb[toStep(gr * r + gg * g + gb * b)]!
    pixels[i + 2] = srgb[toStep(br * r + bg * g + bb * b)]!
  }
}

function convertGreys(pixels: Uint8Array, curve: (value: number) => number): void {
  const srgb = tabulateSrgb()
  const values = Uint8Array.from(tabulateCurve(curve), (step) => srgb[toStep(step)]!)
  for (let i = 0; i < pixels.length; i += 4) {
    for (let c = i; c < i + 3; c += 1) pixels[c] = values[pixels[c]!]!
  }
}

/**
 * Brings RGBA pixels to sRGB in place, relative to the white of each, colours beyond sRGB cut off. Our own and not Little
 * CMS: measured in docs/notes.md. `foreign` profiles are refused before anything is decoded.
 */
export function convertToSrgb(pixels: Uint8Array, profile: Profile, isGrey: boolean): void {
  if (typeof profile === 'string') return
  const [grey] = profile.curves
  const isForGrey = profile.columns.length === 0
  // As others do, one that is not for this kind of picture is not looked at.
  if (isForGrey !== isGrey) return
  if (!isForGrey) convertColours(pixels, profile)
  else if (grey) convertGreys(pixels, grey)
}
