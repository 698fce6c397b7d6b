import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { readChunks } from '../../src/images/png-chunks.ts'
import { encodePng } from '../../workers/matte/png-encoder.ts'
import { readAll } from './streams.ts'

const scramble = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * i * 13 + i * 5 + (i >> 4)) & 255)

function encode(width: number, height: number, pixels: Uint8Array, finish = () => {}): ReadableStream<Uint8Array> {
  const draw = (y: number, row: Uint8Array, offset: number) =>
    row.set(pixels.subarray(y * width * 4, (y + 1) * width * 4), offset)
  return encodePng({ width, height, kind: 'rgba' }, draw, finish)
}

describe('an encoded PNG', () => {
  test.each([
    [1, 1],
    [3, 2],
    [640, 480],
    [10_000, 3],
    [3, 10_000],
    [1, 10_000],
  ])('%d x %d: sharp reads exactly the pixels that went in', async (width, height) => {
    const pixels = scramble(width * height * 4)
    const { data, info } = await sharp(await readAll(encode(width, height, pixels)))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([info.width, info.height, info.channels]).toEqual([width, height, 4])
    expect(Buffer.compare(data, pixels)).toBe(0)
  })

  test('is 8-bit RGBA and holds nothing but pixels', async () => {
    const bytes = await readAll(encode(640, 480, scramble(640 * 480 * 4)))
    const types = [...readChunks(bytes)].map(({ type }) => type)
    expect([...new Set(types)]).toEqual(['IHDR', 'IDAT', 'IEND'])
    expect([bytes[24], bytes[25], bytes[28]]).toEqual([8, 6, 0])
  })

  test('rows are asked for once each, in order, as the stream is read', async () => {
    const asked: number[] = []
    const stream = encodePng(
      { width: 10_000, height: 60, kind: 'rgba' },
      (y) => asked.push(y),
      () => {},
    )
    const reader = stream.getReader()
    for (let i = 0; i < 3; i += 1) await reader.read()
    expect(asked.length).toBeLessThan(60)
    while (!(await reader.read()).done);
    expect(asked).toEqual(Array.from({ length: 60 }, (_, y) => y))
  })
})

describe('the end is told once', () => {
  const pixels = scramble(600 * 600 * 4)

  test('when all has been read', async () => {
    let ends = 0
    await readAll(encode(600, 600, pixels, () => ends++))
    expect(ends).toBe(1)
  })
  test('when the reader cancels', async () => {
    let ends = 0
    const stream = encode(600, 600, pixels, () => ends++)
    const reader = stream.getReader()
    await reader.read()
    expect(ends).toBe(0)
    await reader.cancel()
    expect(ends).toBe(1)
  })
  test('when a row cannot be drawn, and the stream fails', async () => {
    let ends = 0
    const draw = (y: number) => {
      if (y === 300) throw new Error('lost')
    }
    await expect(readAll(encodePng({ width: 600, height: 600, kind: 'rgba' }, draw, () => ends++))).rejects.toThrow(
      'lost',
    )
    expect(ends).toBe(1)
  })
})
