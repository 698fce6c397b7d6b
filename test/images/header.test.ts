import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { readOrientation } from '../../src/images/exif.ts'
import { readHeader } from '../../src/images/header.ts'
import { findJpegEnd } from '../../src/images/jpeg-segments.ts'
import { oddNames, readOdd } from './odd-images.ts'

describe('facts', () => {
  test.each([
    ['base.jpg', { format: 'jpeg', coding: 'baseline', components: 3, precision: 8, orientation: 1, profile: 'none' }],
    ['progressive.jpg', { coding: 'progressive' }],
    ['arith.jpg', { coding: 'arithmetic' }],
    ['sof_c3.jpg', { coding: 'lossless' }],
    ['gray.jpg', { components: 1 }],
    ['cmyk.jpg', { components: 4 }],
    ['p3conv.jpg', { profile: { columns: expect.objectContaining({ length: 3 }) } }],
    ['p3conv.webp', { profile: { columns: expect.objectContaining({ length: 3 }) } }],
    ['palette.png', { format: 'png', colourType: 3, interlaced: false, animated: false }],
    ['gray1.png', { colourType: 0, bitDepth: 1 }],
    ['gray16.png', { colourType: 0, bitDepth: 16 }],
    ['graya8.png', { colourType: 4, bitDepth: 8 }],
    ['interlaced.png', { interlaced: true }],
    ['anim.png', { animated: true }],
    ['exif6.png', { orientation: 6 }],
    ['lossy.webp', { format: 'webp', width: 300, height: 200, lossless: false, animated: false }],
    ['lossless.webp', { width: 300, height: 200, lossless: true }],
    ['lossy_alpha.webp', { width: 300, height: 200 }],
    ['anim.webp', { animated: true }],
  ])('%s', (name, facts) => {
    const format = name.endsWith('.jpg') ? 'jpeg' : name.endsWith('.png') ? 'png' : 'webp'
    expect(readHeader(readOdd(name), format)).toMatchObject(facts)
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %d, stored size kept', (orientation) => {
    const header = readHeader(readOdd(`exif${orientation}.jpg`), 'jpeg')
    expect(header).toMatchObject({ orientation, width: 300, height: 200 })
  })
})

describe('EXIF', () => {
  const tiff = (order: 'II' | 'MM', value: number, type = 3) => {
    const bytes = Buffer.alloc(26)
    const little = order === 'II'
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    bytes.write(order, 0, 'latin1')
    view.setUint16(2, 42, little)
    view.setUint32(4, 8, little)
    view.setUint16(8, 1, little)
    view.setUint16(10, 0x0112, little)
    view.setUint16(12, type, little)
    view.setUint32(14, 1, little)
    view.setUint16(18, value, little)
    return bytes
  }
  test.each(['II', 'MM'] as const)('%s byte order', (order) => expect(readOrientation(tiff(order, 8))).toBe(8))
  test.each([0, 9, 65_535])('%d is no orientation: 1', (value) => expect(readOrientation(tiff('MM', value))).toBe(1))
  test('another type than SHORT: 1', () => expect(readOrientation(tiff('MM', 6, 4))).toBe(1))
  test('cut off anywhere: 1, or the value', () => {
    for (let length = 0; length < 26; length += 1) {
      expect([1, 6]).toContain(readOrientation(tiff('II', 6).subarray(0, length)))
    }
  })
  test('a directory outside the bytes: 1', () => {
    const bytes = tiff('II', 6)
    bytes.writeUInt32LE(0xfffffff0, 4)
    expect(readOrientation(bytes)).toBe(1)
  })
})

describe('the end of a JPEG', () => {
  const sound = oddNames.filter((name) =>
    /^(base|progressive|gray|rst|s4\d\d|exif\d|app_fakesof|fill_ff)\.jpg$/.test(name),
  )

  test.each(sound)('%s ends with its file', (name) =>
    expect(findJpegEnd(readOdd(name))?.end).toBe(readOdd(name).length),
  )
  test.each(sound)('%s, any byte short, has no end', (name) => {
    const bytes = readOdd(name)
    for (const length of [bytes.length - 1, bytes.length - 2, bytes.length >> 1, 700, 3]) {
      expect(findJpegEnd(bytes.subarray(0, length))).toBeNull()
    }
  })
  test('what phones append is not the picture', () => {
    const bytes = readOdd('base.jpg')
    expect(findJpegEnd(Buffer.concat([bytes, readOdd('progressive.jpg')]))?.end).toBe(bytes.length)
  })
  test('the end of an embedded preview is not the end', async () => {
    const preview = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
      .jpeg()
      .toBuffer()
    const segment = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), preview])
    segment.writeUInt16BE(segment.length - 2, 2)
    const base = readOdd('base.jpg')
    const bytes = Buffer.concat([base.subarray(0, 2), segment, base.subarray(2)])
    expect(findJpegEnd(bytes)?.end).toBe(bytes.length)
    expect(findJpegEnd(bytes.subarray(0, bytes.length - 100))).toBeNull()
  })
})
