/** sRGB's, Adobe RGB's and ProPhoto's primaries under D50 as X, Y, Z: red, green, blue. */
export const primaries = {
  srgb: [0.4361, 0.2225, 0.0139, 0.3851, 0.7169, 0.0971, 0.1431, 0.0606, 0.7141],
  adobe: [0.6097, 0.3111, 0.0195, 0.2053, 0.6257, 0.0609, 0.1492, 0.0632, 0.7446],
  prophoto: [0.7977, 0.288, 0, 0.1352, 0.7119, 0, 0.0313, 0.0001, 0.8249],
} as const

const fixed = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(Math.round(value * 65536))
  return bytes
}
const shorts = (...values: number[]): Buffer => Buffer.from(Uint16Array.from(values).buffer).swap16()
const tag = (type: string, ...parts: Buffer[]): Buffer => Buffer.concat([Buffer.from(type), Buffer.alloc(4), ...parts])

/** A `curv` tag: no value, a gamma, or a table of values from 0 to 1. */
export function createCurv(...values: number[]): Buffer {
  const numbers = values.length === 1 ? [Math.round(values[0]! * 256)] : values.map((v) => Math.round(v * 65535))
  return tag('curv', shorts(0, values.length), shorts(...numbers))
}

/** A `para` tag of this kind. */
export const createPara = (kind: number, ...values: number[]): Buffer =>
  tag('para', shorts(kind, 0), ...values.map(fixed))

/**
 * A `mft2` tag (ICC.1:2022, 10.10): a table of two points for each of red, green and blue, red the slowest, that holds
 * L*, a* and b* of the eight corners.
 */
export function createLut(corners: readonly (readonly [l: number, a: number, b: number])[]): Buffer {
  const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1].map(fixed)
  const straight = shorts(...[0, 65535, 0, 65535, 0, 65535])
  const lab = corners.flatMap(([l, a, b]) => [Math.round(l * 652.8), ...[a, b].map((v) => Math.round((v + 128) * 256))])
  return tag('mft2', Buffer.from([3, 3, 2, 0]), ...identity, shorts(2, 2), straight, shorts(...lab), straight)
}

/** A display profile: matrix and curve, or grey where there are no columns. Further tags come with their bytes. */
export function createProfile(
  columns: readonly number[] | null,
  curve: Buffer,
  { further = {}, pcs = 'XYZ ' }: { further?: Record<string, Buffer>; pcs?: string } = {},
): Buffer {
  const column = (at: number) => tag('XYZ ', ...columns!.slice(at, at + 3).map(fixed))
  const tags: Record<string, Buffer> = {
    desc: tag('mluc', Buffer.alloc(8)),
    wtpt: tag('XYZ ', ...[0.9642, 1, 0.8249].map(fixed)),
    ...(columns
      ? { rXYZ: column(0), gXYZ: column(3), bXYZ: column(6), rTRC: curve, gTRC: curve, bTRC: curve }
      : { kTRC: curve }),
    ...further,
  }
  const names = Object.keys(tags)
  const header = Buffer.alloc(132 + names.length * 12)
  header.writeUInt32BE(0x04000000, 8)
  header.write(`mntr${columns ? 'RGB ' : 'GRAY'}${pcs}`, 12)
  header.write('acsp', 36)
  for (const [i, value] of [0.9642, 1, 0.8249].entries()) fixed(value).copy(header, 68 + i * 4)
  header.writeUInt32BE(names.length, 128)
  let offset = header.length
  const parts = names.map((name, i) => {
    const bytes = tags[name]!
    const padded = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
    header.write(name, 132 + i * 12)
    header.writeUInt32BE(offset, 136 + i * 12)
    header.writeUInt32BE(bytes.length, 140 + i * 12)
    offset += padded.length
    return padded
  })
  header.writeUInt32BE(offset, 0)
  return Buffer.concat([header, ...parts])
}
