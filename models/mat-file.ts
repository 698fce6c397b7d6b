import { inflateSync } from 'node:zlib'

/** Types of data elements, and how the numbers of some are read (MAT-File Format, R2024, table 1-1; little endian). */
const compressed = 15
const matrix = 14
const readers: Readonly<Record<number, { readonly bytes: number; read(data: Buffer, at: number): number }>> = {
  1: { bytes: 1, read: (data, at) => data.readInt8(at) },
  2: { bytes: 1, read: (data, at) => data.readUInt8(at) },
  3: { bytes: 2, read: (data, at) => data.readInt16LE(at) },
  4: { bytes: 2, read: (data, at) => data.readUInt16LE(at) },
  5: { bytes: 4, read: (data, at) => data.readInt32LE(at) },
  6: { bytes: 4, read: (data, at) => data.readUInt32LE(at) },
  7: { bytes: 4, read: (data, at) => data.readFloatLE(at) },
  9: { bytes: 8, read: (data, at) => data.readDoubleLE(at) },
}

interface Element {
  readonly type: number
  readonly data: Buffer
}

/** The data elements of some bytes, one after the other. */
function* readElements(bytes: Buffer, from = 0): Generator<Element> {
  for (let at = from; at + 8 <= bytes.length; ) {
    const tag = bytes.readUInt32LE(at)
    // A small element has its size in the tag's upper half, and its data in the tag's other word.
    const isSmall = tag >>> 16 !== 0
    const [type, size, start] = isSmall ? [tag & 0xffff, tag >>> 16, at + 4] : [tag, bytes.readUInt32LE(at + 4), at + 8]
    yield { type, data: bytes.subarray(start, start + size) }
    // What is compressed is not padded.
    at = isSmall ? at + 8 : start + (type === compressed ? size : Math.ceil(size / 8) * 8)
  }
}

const readNumbers = ({ type, data }: Element): number[] => {
  const reader = readers[type]
  if (!reader) throw new Error(`a MAT-file's element of type ${type} holds no numbers`)
  return Array.from({ length: Math.floor(data.length / reader.bytes) }, (_, i) => reader.read(data, i * reader.bytes))
}

/** A two-dimensional array of numbers, row by row. */
export interface MatArray {
  readonly width: number
  readonly height: number
  readonly values: readonly number[]
}

/**
 * The array named `name` in a MAT-file of version 5 (MATLAB, SciPy).
 * @throws Error if it is no such file, or has no array of that name with two dimensions
 */
export function readMatArray(file: Buffer, name: string): MatArray {
  if (!file.subarray(0, 19).equals(Buffer.from('MATLAB 5.0 MAT-file')))
    throw new Error('this is no MAT-file of version 5')
  for (const element of readElements(file, 128)) {
    const inner = element.type === compressed ? [...readElements(Buffer.from(inflateSync(element.data)))] : [element]
    for (const { type, data } of inner) {
      if (type !== matrix) continue
      const [, shape, title, real] = [...readElements(data)]
      if (!shape || !title || !real || String(title.data) !== name) continue
      const [height, width, ...more] = readNumbers(shape)
      if (height === undefined || width === undefined || more.length > 0) break
      const columns = readNumbers(real)
      const values = Array.from(
        { length: width * height },
        (_, i) => columns[(i % width) * height + Math.floor(i / width)]!,
      )
      return { width, height, values }
    }
  }
  throw new Error(`the MAT-file has no array "${name}" of two dimensions`)
}
