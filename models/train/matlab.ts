import { inflateSync } from 'node:zlib'

/** Types of elements in a MAT-file of level 5 (MathWorks, "MAT-File Format"). */
const types = { uint8: 2, int32: 5, matrix: 14, compressed: 15 } as const

interface Element {
  readonly type: number
  readonly data: Buffer
  /** Where the next one begins. */
  readonly end: number
}

/** An element has a tag of 8 bytes, or of 4 with up to 4 bytes of data behind it; all but compressed ones are padded. */
function readElement(bytes: Buffer, at: number): Element {
  const first = bytes.readUInt32LE(at)
  if (first >>> 16) return { type: first & 0xffff, data: bytes.subarray(at + 4, at + 4 + (first >>> 16)), end: at + 8 }
  const size = bytes.readUInt32LE(at + 4)
  const padded = first === types.compressed ? size : Math.ceil(size / 8) * 8
  return { type: first, data: bytes.subarray(at + 8, at + 8 + size), end: at + 8 + padded }
}

/**
 * The first matrix of bytes in a MAT-file, row by row.
 * @throws Error if the file holds something else
 */
export function readByteMatrix(file: Buffer): { data: Buffer; width: number; height: number } {
  let element = readElement(file, 128)
  if (element.type === types.compressed) element = readElement(Buffer.from(inflateSync(element.data)), 0)
  if (element.type !== types.matrix) throw new Error('the file begins with no matrix')
  const flags = readElement(element.data, 0)
  const dimensions = readElement(element.data, flags.end)
  const name = readElement(element.data, dimensions.end)
  const values = readElement(element.data, name.end)
  const [height, width] = [dimensions.data.readInt32LE(0), dimensions.data.readInt32LE(4)]
  if (values.type !== types.uint8 || values.data.length !== width * height) throw new Error('it is no matrix of bytes')
  const data = Buffer.alloc(width * height)
  // It is stored column by column.
  for (let i = 0; i < data.length; i += 1) data[(i % height) * width + Math.floor(i / height)] = values.data[i]!
  return { data, width, height }
}
