import sharp from 'sharp'
import { expect, test } from 'vitest'
import { readPictureData } from '../../workers/matte/jpeg-data.ts'
import { readOdd } from '../images/odd-images.ts'

/** A segment of application data. */
function createSegment(marker: number, length: number): Buffer {
  const segment = Buffer.alloc(length + 4, 0x20)
  segment.writeUInt16BE(0xff00 | marker, 0)
  segment.writeUInt16BE(length + 2, 2)
  return segment
}

const insert = (jpeg: Uint8Array, segments: readonly Uint8Array[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])

/** The data of a file that has it. */
function read(file: Uint8Array): Uint8Array {
  const data = readPictureData(file)
  if (typeof data === 'string') throw new Error(data)
  return data
}

const decode = (bytes: Uint8Array) => sharp(bytes).raw().toBuffer()

test('a plain file is handed on as it is, without a copy', () => {
  const file = readOdd('base.jpg')
  const data = read(file)
  expect(data).toEqual(file)
  expect(data.buffer).toBe(file.buffer)
})

test('what lies behind the end is left out', () => {
  const file = readOdd('base.jpg')
  expect(readPictureData(new Uint8Array(Buffer.concat([file, Buffer.alloc(900_000, 7)])))).toEqual(file)
})

test.each(['base.jpg', 'progressive.jpg', 'exif6.jpg', 'rgbjpeg.jpg'])(
  '%s with megabytes of application data: small, and the same pixels',
  async (name) => {
    const file = readOdd(name)
    const segments = Array.from({ length: 40 }, (_, i) => createSegment(i % 2 ? 0xe2 : 0xfe, 60_000))
    const data = read(insert(file, segments))
    expect(data.length).toBeLessThanOrEqual(file.length)
    expect(Buffer.compare(await decode(data), await decode(file))).toBe(0)
  },
)

test('what tells how colours are coded is kept: JFIF before an Adobe segment that says otherwise', async () => {
  const picture = sharp({ create: { width: 64, height: 48, channels: 3, background: '#a05020' } })
  const file = new Uint8Array(await picture.jpeg().toBuffer())
  const rest = file.subarray(4 + file[4]! * 256 + file[5]!)
  const jfif = file.subarray(2, 4 + file[4]! * 256 + file[5]!)
  const adobe = Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0])
  const comments = Array.from({ length: 6 }, () => createSegment(0xfe, 60_000))
  const whole = Buffer.concat([file.subarray(0, 2), jfif, adobe, ...comments, rest])
  const data = read(whole)
  expect(data.length).toBeLessThan(whole.length - 300_000)
  expect(Buffer.compare(await decode(data), await decode(whole))).toBe(0)
})

test('a truncated file has no picture data', () => expect(readPictureData(readOdd('trunc.jpg'))).toBe('truncated'))
