import type { Profile } from './facts.ts'
import { matchesText } from './sniff.ts'

/** The primaries of sRGB under D50 as X, Y, Z (IEC 61966-2-1 with the Bradford adaptation of ICC.1, Annex E). */
const srgbColumns = {
  rXYZ: [0.4361, 0.2225, 0.0139],
  gXYZ: [0.3851, 0.7169, 0.0971],
  bXYZ: [0.1431, 0.0606, 0.7141],
} as const

// Rounded profiles in use differ by up to 0.002; Display P3's red differs by 0.08.
const columnTolerance = 0.005
// sRGB's curve is at 0.2140 in the middle, gamma 2.2 at 0.2176; gamma 1.8 is at 0.287, linear at 0.5.
const middle = 0.214
const middleTolerance = 0.01

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

const readFixed = (tag: DataView, at: number): number => tag.getInt32(at) / 65536

function isColumn(tag: DataView | undefined, column: readonly number[]): boolean {
  if (!tag || tag.byteLength < 20) return false
  return column.every((value, i) => Math.abs(readFixed(tag, 8 + i * 4) - value) < columnTolerance)
}

/** The value at one half of a `curv` (10.6) or `para` (10.18) curve; NaN for anything else. */
function readMiddle(tag: DataView): number {
  const type = tag.byteLength >= 12 ? tag.getUint32(0) : 0
  if (type === 0x63757276) {
    const count = tag.getUint32(8)
    if (count === 0) return 0.5
    if (12 + count * 2 > tag.byteLength) return Number.NaN
    if (count === 1) return 0.5 ** (tag.getUint16(12) / 256)
    const [below, above] = [Math.floor((count - 1) / 2), Math.ceil((count - 1) / 2)]
    return (tag.getUint16(12 + below * 2) + tag.getUint16(12 + above * 2)) / 2 / 65535
  }
  if (type === 0x70617261 && tag.byteLength >= 16) {
    const kind = tag.getUint16(8)
    const gamma = readFixed(tag, 12)
    if (kind === 0) return 0.5 ** gamma
    if (kind === 3 && tag.byteLength >= 24) return (readFixed(tag, 16) * 0.5 + readFixed(tag, 20)) ** gamma
  }
  return Number.NaN
}

const isCurve = (tag: DataView | undefined): boolean =>
  tag !== undefined && Math.abs(readMiddle(tag) - middle) < middleTolerance

/**
 * Whether an ICC profile means sRGB, by its numbers and not by its name: RGB with sRGB's primaries and a curve like
 * sRGB's, or grey with such a curve. Anything else, what cannot be read included, is `foreign`.
 */
export function classifyProfile(profile: Uint8Array): Profile {
  const tags = readTags(profile)
  if (!tags) return 'foreign'
  if (matchesText(profile, 16, 'GRAY')) return isCurve(tags.get('kTRC')) ? 'srgb' : 'foreign'
  if (!matchesText(profile, 16, 'RGB ') || tags.has('A2B0')) return 'foreign'
  const columns = Object.entries(srgbColumns).every(([name, column]) => isColumn(tags.get(name), column))
  const curves = ['rTRC', 'gTRC', 'bTRC'].every((name) => isCurve(tags.get(name)))
  return columns && curves ? 'srgb' : 'foreign'
}
