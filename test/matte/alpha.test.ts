import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { createAlphaRows, isEmpty, measureForeground } from '../../workers/matte/alpha.ts'
import { orient } from '../../workers/matte/picture.ts'

const size = 8
const scramble = Uint8Array.from({ length: size * size }, (_, i) => (i * 97 + (i >> 2) * 31) & 255)

function picture(width: number, height: number, alpha = 255) {
  const pixels = new Uint8Array(width * height * 4).fill(alpha)
  return orient({ pixels, width, height, hasAlpha: alpha < 255 }, 1)
}

function readPlane(matte: Uint8Array, shown: ReturnType<typeof picture>): Uint8Array {
  const draw = createAlphaRows({ alpha: matte, size: Math.sqrt(matte.length) }, shown, null)
  const plane = new Uint8Array(shown.width * shown.height)
  for (let y = 0; y < shown.height; y += 1) draw(y, plane.subarray(y * shown.width, (y + 1) * shown.width))
  return plane
}

describe('the alpha of a picture', () => {
  test('at the size of the matte is the matte', () =>
    expect(readPlane(scramble, picture(size, size))).toEqual(scramble))

  test.each([
    [61, 47],
    [8, 100],
    [1000, 3],
    [3, 2],
    [1, 1],
  ])('at %d x %d is the line between the samples, half-pixel centres, flat at the borders', (width, height) => {
    const slope = Uint8Array.from({ length: size * size }, (_, i) => (i % size) * 20 + Math.floor(i / size) * 10)
    const place = (pixel: number, length: number) =>
      Math.min(size - 1, Math.max(0, ((pixel + 0.5) * size) / length - 0.5))
    const plane = readPlane(slope, picture(width, height))
    for (const [i, alpha] of plane.entries()) {
      const expected = place(i % width, width) * 20 + place(Math.floor(i / width), height) * 10
      expect(Math.abs(alpha - expected)).toBeLessThanOrEqual(0.51)
    }
  })

  test('of a soft disc is what sharp makes of it, bilinearly', async () => {
    const disc = Uint8Array.from(
      Uint8ClampedArray.from({ length: 64 * 64 }, (_, i) => (20 - Math.hypot((i % 64) - 30, (i >> 6) - 35)) * 24 + 128),
    )
    const raw = { width: 64, height: 64, channels: 1 } as const
    const enlarged = sharp(disc, { raw }).resize(500, 300, { fit: 'fill', kernel: 'linear' })
    const truth = await enlarged.extractChannel(0).raw().toBuffer()
    const plane = readPlane(disc, picture(500, 300))
    const sum = plane.reduce((total, alpha, i) => total + Math.abs(alpha - truth[i]!), 0)
    expect(sum / plane.length).toBeLessThan(1)
  })

  test.each([0, 255])('of a plain matte of %d is plain', (value) => {
    const plane = readPlane(new Uint8Array(64).fill(value), picture(123, 45))
    expect(plane.every((alpha) => alpha === value)).toBe(true)
  })

  test('is the matte times the alpha that came with the picture, rounded', () => {
    const plane = readPlane(new Uint8Array(64).fill(200), picture(16, 16, 128))
    expect(plane.every((alpha) => alpha === Math.round((200 * 128) / 255))).toBe(true)
    expect(readPlane(new Uint8Array(64).fill(255), picture(16, 16, 90)).every((alpha) => alpha === 90)).toBe(true)
    expect(readPlane(new Uint8Array(64).fill(255), picture(16, 16, 0)).every((alpha) => alpha === 0)).toBe(true)
  })

  test('takes the alpha that came with the picture upright', () => {
    const pixels = new Uint8Array(3 * 2 * 4).fill(255)
    pixels[3] = 10
    const shown = orient({ pixels, width: 3, height: 2, hasAlpha: true }, 6)
    const plane = readPlane(new Uint8Array(64).fill(255), shown)
    expect([...plane]).toEqual([255, 10, 255, 255, 255, 255])
  })
})

describe('the foreground', () => {
  const matteOf = (foreground: number, value = 128) => {
    const alpha = new Uint8Array(100 * 100)
    return { alpha: alpha.fill(value, 0, foreground), size: 100 }
  }
  test('fewer than 0.1 % of the matte above one half: none', () => expect(isEmpty(matteOf(9))).toBe(true))
  test('0.1 %: there is one', () => expect(isEmpty(matteOf(10))).toBe(false))
  test('one half itself does not count', () => expect(isEmpty(matteOf(10_000, 127))).toBe(true))

  test('box and coverage count alpha above 127', () => {
    const plane = new Map([
      ['2,1', 128],
      ['5,3', 255],
      ['0,0', 127],
    ])
    const draw = (y: number, row: Uint8Array) => {
      for (let x = 0; x < row.length; x += 1) row[x] = plane.get(`${x},${y}`) ?? 0
    }
    expect(measureForeground(draw, picture(10, 5))).toEqual({ bbox: [2, 1, 4, 3], coverage: 2 / 50 })
  })
  test('all of it', () => {
    const draw = (_: number, row: Uint8Array) => row.fill(255)
    expect(measureForeground(draw, picture(10, 5))).toEqual({ bbox: [0, 0, 10, 5], coverage: 1 })
  })
  test('none of it', () => {
    const draw = (_: number, row: Uint8Array) => row.fill(127)
    expect(measureForeground(draw, picture(10, 5))).toEqual({ bbox: [0, 0, 0, 0], coverage: 0 })
  })
})
