import sharp from 'sharp'
import { describe, expect, it, test } from 'vitest'
import { encodePng } from '../../workers/matte/png-encoder.ts'
import { createPainter } from '../../workers/preview/paint.ts'
import { createScene } from '../../workers/preview/scene.ts'
import { average, compare, encodePicture, paint } from './kit.ts'

const size = { width: 160, height: 120 }

describe('a picture', () => {
  it('is the same for the same prompt and size, byte by byte', async () => {
    expect(await encodePicture('a red fox in the snow', size)).toEqual(
      await encodePicture('a red fox in the snow', size),
    )
  })

  it.each([
    ['a red fox', 'a red fox.'],
    ['quantum jazz', 'quantum blues'],
    ['a bottle', 'a green bottle'],
    ['an apple', 'two apples'],
    ['the sea', 'the sea at night'],
  ])('of %j is not that of %j', async (one, other) => {
    expect(compare(await paint(one, size), await paint(other, size))).toBeGreaterThan(1)
  })

  it.each([
    [1, 1],
    [1024, 1024],
    [1344, 768],
    [768, 1344],
    [1536, 640],
    [3, 700],
  ])('is exactly %d x %d when that is asked for, opaque RGB', async (width, height) => {
    const png = await encodePicture('a lighthouse', { width, height })
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width, height, channels: 3, depth: 'uchar' })
  })

  it('is the same picture at every size', async () => {
    const large = await encodePicture('an old bicycle', { width: 640, height: 480 })
    const shrunk = await sharp(large).resize(160, 120).raw().toBuffer()
    expect(compare(shrunk, await paint('an old bicycle', size))).toBeLessThan(6)
  })

  it('is painted while it is read, row by row', async () => {
    const wide = { width: 4096, height: 4096 }
    const painter = createPainter(await createScene('a tree'), wide)
    const asked: number[] = []
    const stream = encodePng(
      { ...wide, kind: 'rgb' },
      (y, row, offset) => painter(asked.push(y) - 1, row, offset),
      () => {},
    )
    const reader = stream.getReader()
    for (let i = 0; i < 3; i += 1) await reader.read()
    await reader.cancel()
    expect(asked.length).toBeLessThan(100)
  })

  it('needs no row but the one asked for', async () => {
    const whole = await paint('the sea at night', size)
    const painter = createPainter(await createScene('the sea at night'), size)
    const row = new Uint8Array(size.width * 3)
    painter(100, row, 0)
    expect(compare(row, whole.subarray(100 * row.length, 101 * row.length))).toBe(0)
  })
})

describe('what the words say is seen', () => {
  const [whole, middle, sky, ground] = [
    [0, 0, 1, 1],
    [0.42, 0.5, 0.58, 0.7],
    [0, 0, 1, 0.2],
    [0, 0.92, 1, 1],
  ] as const

  const look = async (prompt: string, box: readonly [number, number, number, number]) =>
    average(await paint(prompt, size), size, box)

  test('a red fox in the snow: something red before white, under a pale sky', async () => {
    const [red, green, blue] = await look('a red fox in the snow', middle)
    expect(red).toBeGreaterThan(1.5 * Math.max(green, blue))
    for (const value of await look('a red fox in the snow', ground)) expect(value).toBeGreaterThan(200)
    for (const value of await look('a red fox in the snow', sky)) expect(value).toBeGreaterThan(120)
  })

  test('the sea at night: dark, and blue', async () => {
    const [red, , blue] = await look('the sea at night', whole)
    expect(blue).toBeLessThan(110)
    expect(blue).toBeGreaterThan(1.2 * red)
    expect((await look('the sea', whole))[1]).toBeGreaterThan(1.5 * (await look('the sea at night', whole))[1])
  })

  test.each<[string, 0 | 1 | 2]>([
    ['a red car', 0],
    ['a green car', 1],
    ['a blue car', 2],
    ['une voiture rouge', 0],
    ['un coche verde', 1],
  ])('%s has its colour', async (prompt, channel) => {
    const colour = await look(prompt, [0.35, 0.66, 0.65, 0.74])
    expect(colour[channel]).toBe(Math.max(...colour))
  })

  test('a colour of something else is not the subject’s', async () => {
    const [red, , blue] = await look('a fox below a big and blue sky', middle)
    expect(red).toBeGreaterThan(blue)
  })
})
