import type { Curve, ImageHeader, Matrix, Profile, RgbProfile } from '../../src/images/facts.ts'

/** Linear sRGB of X, Y, Z under D50: the inverse of sRGB's columns (Bradford adaptation; ICC.1:2022, Annex E). */
const toSrgb: Matrix = [
  [3.1338561, -1.6168667, -0.4906146],
  [-0.9787684, 1.9161415, 0.033454],
  [0.0719453, -0.2289914, 1.4052427],
]

/** Steps of linear light; the curve is steepest at 0, where one step is 0.2 of 255. */
const steps = 16384

const encodeSrgb = (linear: number): number =>
  linear <= 0.0031308 ? linear * 12.92 : 1.055 * linear ** (1 / 2.4) - 0.055

/** sRGB's 8-bit value for each step of linear light. */
const tabulateSrgb = (): Uint8Array =>
  Uint8Array.from({ length: steps + 1 }, (_, i) => Math.round(encodeSrgb(i / steps) * 255))

/** Steps of linear light for each 8-bit value. */
const tabulateCurve = (curve: Curve): Float32Array =>
  Float32Array.from({ length: 256 }, (_, value) => curve(value / 255) * steps)

/** One row of the matrix from a profile's linear colours to sRGB's. */
const multiplyRow = ([x, y, z]: Matrix[number], [red, green, blue]: Matrix): Matrix[number] => [
  x * red[0] + y * red[1] + z * red[2],
  x * green[0] + y * green[1] + z * green[2],
  x * blue[0] + y * blue[1] + z * blue[2],
]

const toStep = (value: number): number => (value < 0 ? 0 : value > steps ? steps : (value + 0.5) | 0)

function convertColours(pixels: Uint8Array, { curves, columns }: RgbProfile): void {
  const srgb = tabulateSrgb()
  const [red, green, blue] = [tabulateCurve(curves[0]), tabulateCurve(curves[1]), tabulateCurve(curves[2])]
  const [rr, rg, rb] = multiplyRow(toSrgb[0], columns)
  const [gr, gg, gb] = multiplyRow(toSrgb[1], columns)
  const [br, bg, bb] = multiplyRow(toSrgb[2], columns)
  for (let i = 0; i < pixels.length; i += 4) {
    const r = red[pixels[i]!]!
    const g = green[pixels[i + 1]!]!
    const b = blue[pixels[i + 2]!]!
    pixels[i] = srgb[toStep(rr * r + rg * g + rb * b)]!
    pixels[i + 1] = srgb[toStep(gr * r + gg * g + gb * b)]!
    pixels[i + 2] = srgb[toStep(br * r + bg * g + bb * b)]!
  }
}

function convertGreys(pixels: Uint8Array, curve: Curve): void {
  const srgb = tabulateSrgb()
  const values = Uint8Array.from(tabulateCurve(curve), (step) => srgb[toStep(step)]!)
  for (let i = 0; i < pixels.length; i += 4) {
    for (let c = i; c < i + 3; c += 1) pixels[c] = values[pixels[c]!]!
  }
}

/** Whether a picture is grey as stored. */
export const isGrey = (header: ImageHeader): boolean =>
  (header.format === 'png' && (header.colourType === 0 || header.colourType === 4)) ||
  (header.format === 'jpeg' && header.components === 1)

/**
 * Brings RGBA pixels to sRGB in place, relative to the white of each, colours beyond sRGB cut off. Our own and not
 * Little CMS: measured in docs/notes.md. `foreign` profiles are refused before anything is decoded.
 */
export function convertToSrgb(pixels: Uint8Array, profile: Profile, isGrey: boolean): void {
  // As others do, one that is not for this kind of picture is not looked at.
  if (typeof profile === 'string' || isGrey !== (profile.kind === 'grey')) return
  if (profile.kind === 'grey') convertGreys(pixels, profile.curve)
  else convertColours(pixels, profile)
}
