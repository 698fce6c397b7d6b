import type { Curve, GreyProfile, Matrix, Profile, RgbProfile } from './facts.ts'
import { readCurve } from './icc-curves.ts'
import { matchesText } from './sniff.ts'

/** sRGB's columns (IEC 61966-2-1 with the Bradford adaptation of ICC.1, Annex E). */
const srgbColumns: Matrix = [
  [0.4361, 0.2225, 0.0139],
  [0.3851, 0.7169, 0.0971],
  [0.1431, 0.0606, 0.7141],
]

// Rounded profiles in use differ by up to 0.002; Display P3's red differs by 0.08.
const columnTolerance = 0.005
// Of linear light: profiles whose curve is a table differ by less; gamma 2.2 by 0.008.
const curveTolerance = 0.004
const curveSamples = 32

const maxTags = 100

type Tags = ReadonlyMap<string, DataView>

/** The tag table (ICC.1:2022, 7.3); null if it does not lie within the bytes. */
function readTags(profile: Uint8Array): Tags | null {
  const view = new DataView(profile.buffer, profile.byteOffset, profile.byteLength)
  if (view.byteLength < 132 || !matchesText(profile, 36, 'acsp')) return null
  const tags = new Map<string, DataView>()
  const count = view.getUint32(128)
  if (count > maxTags || 132 + count * 12 > view.byteLength) return null
  for (let i = 0; i < count; i += 1) {
    const entry = 132 + i * 12
    const offset = view.getUint32(entry + 4)
    const length = view.getUint32(entry + 8)
    if (offset + length > view.byteLength) return null
    const name = String.fromCharCode(...profile.subarray(entry, entry + 4))
    tags.set(name, new DataView(profile.buffer, profile.byteOffset + offset, length))
  }
  return tags
}

/** An `XYZ` tag's three numbers (10.31). */
function readColumn(tag: DataView | undefined): Matrix[number] | null {
  if (!tag || tag.byteLength < 20) return null
  const [x, y, z] = [8, 12, 16].map((at) => tag.getInt32(at) / 65536)
  return [x!, y!, z!]
}

/** sRGB's own curve: linear light of a value, both 0 to 1 (IEC 61966-2-1). */
export const decodeSrgb: Curve = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)

function isSrgbCurve(curve: Curve): boolean {
  for (let i = 0; i <= curveSamples; i += 1) {
    const value = i / curveSamples
    if (Math.abs(curve(value) - decodeSrgb(value)) > curveTolerance) return false
  }
  return true
}

/** The matrix/TRC profile in these tags (8.3.3); null if it is not whole. */
function readRgb(tags: Tags): RgbProfile | null {
  const [red, green, blue] = ['r', 'g', 'b'].map((colour) => {
    const [curve, column] = [readCurve(tags.get(`${colour}TRC`)), readColumn(tags.get(`${colour}XYZ`))]
    return curve && column && { curve, column }
  })
  if (!red || !green || !blue) return null
  return {
    kind: 'rgb',
    curves: [red.curve, green.curve, blue.curve],
    columns: [red.column, green.column, blue.column],
  }
}

/** The monochrome profile in these tags (8.3.4); null if it is not whole. */
function readGrey(tags: Tags): GreyProfile | null {
  const curve = readCurve(tags.get('kTRC'))
  return curve && { kind: 'grey', curve }
}

function isSrgb(profile: RgbProfile | GreyProfile): boolean {
  if (profile.kind === 'grey') return isSrgbCurve(profile.curve)
  const isNear = (value: number, i: number, j: number) => Math.abs(value - srgbColumns[i]![j]!) < columnTolerance
  return (
    profile.curves.every(isSrgbCurve) &&
    profile.columns.every((column, i) => column.every((value, j) => isNear(value, i, j)))
  )
}

/** By the colour space that a profile's header names (7.2.6). */
const readers: Readonly<Record<string, (tags: Tags) => RgbProfile | GreyProfile | null>> = {
  'RGB ': readRgb,
  GRAY: readGrey,
}

/**
 * What an ICC profile means, by its numbers and not by its name: `srgb` for sRGB's primaries with sRGB's curve and for
 * grey with that curve; how to convert it if it is made of curves and a matrix; `foreign` for anything else: lookup
 * tables, which come before the matrix where a profile has both (ICC.1:2022, 8.10.2), CMYK, and the rest. Bytes that
 * are no profile mean nothing, as others take them: `none`.
 */
export function readProfile(bytes: Uint8Array): Profile {
  const tags = readTags(bytes)
  if (!tags) return 'none'
  if (tags.has('A2B0') || !matchesText(bytes, 20, 'XYZ ')) return 'foreign'
  const profile = readers[String.fromCharCode(...bytes.subarray(16, 20))]?.(tags)
  if (!profile) return 'foreign'
  return isSrgb(profile) ? 'srgb' : profile
}

/** Display P3 (SMPTE EG 432-1 primaries under D65 with sRGB's curve), as Apple's profile of that name has it. */
export const displayP3: RgbProfile = {
  kind: 'rgb',
  curves: [decodeSrgb, decodeSrgb, decodeSrgb],
  columns: [
    [0.5151, 0.2412, -0.0011],
    [0.292, 0.6922, 0.0419],
    [0.1571, 0.0666, 0.7841],
  ],
}
