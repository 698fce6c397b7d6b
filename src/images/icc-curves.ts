import type { Curve } from './facts.ts'

const clamp = (value: number): number => Math.min(1, Math.max(0, value))
const readFixed = (tag: DataView, at: number): number => tag.getInt32(at) / 65536

/** `curv` (ICC.1:2022, 10.6): nothing for identity, one number for a gamma, or a table to interpolate in. */
function readTable(tag: DataView): Curve | null {
  const count = tag.getUint32(8)
  if (count === 0) return clamp
  if (count > 65536 || 12 + count * 2 > tag.byteLength) return null
  const first = tag.getUint16(12)
  if (count === 1) return (value) => value ** (first / 256)
  return (value) => {
    const place = value * (count - 1)
    const below = Math.min(count - 2, Math.floor(place))
    const [low, high] = [tag.getUint16(12 + below * 2), tag.getUint16(14 + below * 2)]
    return (low + (high - low) * (place - below)) / 65535
  }
}

/**
 * How many parameters each kind of `para` has (10.18, table 68). All are one function, y = (a x + b)^g + e from d on
 * and c x + f below it, with what a kind lacks at its plainest.
 */
const parameterCounts = [1, 3, 4, 5, 7] as const

function readParametric(tag: DataView): Curve | null {
  const kind = tag.getUint16(8)
  const count = parameterCounts[kind]
  if (count === undefined || 12 + count * 4 > tag.byteLength) return null
  const [g = 1, a = 1, b = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = Array.from({ length: count }, (_, i) =>
    readFixed(tag, 12 + i * 4),
  )
  // Kinds 1 and 2 begin where the base is 0, and kind 2 adds its third parameter everywhere.
  const [c, d, e, f] = (
    [
      [0, -1, 0, 0],
      [0, -b / a, 0, 0],
      [0, -b / a, third, third],
      [third, fourth, 0, 0],
      [third, fourth, fifth, sixth],
    ] as const
  )[kind]!
  return (value) => clamp(value >= d ? Math.max(0, a * value + b) ** g + e : c * value + f)
}

const kinds: Readonly<Record<number, (tag: DataView) => Curve | null>> = {
  1668641398: readTable,
  1885434465: readParametric,
}

/** A tone curve (`curv` or `para`); null if it is missing, of another type, not whole or gives no numbers. */
export function readCurve(tag: DataView | undefined): Curve | null {
  if (!tag || tag.byteLength < 12) return null
  const curve = kinds[tag.getUint32(0)]?.(tag)
  return curve && [0, 0.5, 1].every((value) => Number.isFinite(curve(value))) ? curve : null
}
