import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { applyMatte } from '../../workers/matte/apply-matte.ts'
import { orient, type Picture } from '../../workers/matte/picture.ts'
import type { Refinement } from '../../workers/matte/refinement.ts'

const size = 8
const scramble = Uint8Array.from({ length: size * size }, (_, i) => (i * 97 + (i >> 2) * 31) & 255)
const plain = (value: number) => new Uint8Array(size * size).fill(value)

/** A grey picture with one alpha all over. */
function createPicture(width: number, height: number, alpha = 255): Picture {
  const pixels = new Uint8Array(width * height * 4).fill(90)
  for (let i = 3; i < pixels.length; i += 4) pixels[i] = alpha
  return orient({ pixels, width, height, hasAlpha: alpha < 255 }, 1)
}

const apply = (matte: Uint8Array, picture: Picture, refinement?: Refinement) =>
  applyMatte({ alpha: matte, size: Math.sqrt(matte.length) }, picture, refinement)

/** The alpha of a picture's pixels after the matte was applied, as they lie in memory. */
function readAlpha(matte: Uint8Array, picture: Picture): Uint8Array {
  apply(matte, picture)
  return Uint8Array.from({ length: picture.width * picture.height }, (_, i) => picture.pixels[i * 4 + 3]!)
}

describe('the alpha of a cut-out', () => {
  test('at the size of the matte is the matte', () =>
    expect(readAlpha(scramble, createPicture(size, size))).toEqual(scramble))

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
    for (const [i, alpha] of readAlpha(slope, createPicture(width, height)).entries()) {
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
    const alpha = readAlpha(disc, createPicture(500, 300))
    const sum = alpha.reduce((total, value, i) => total + Math.abs(value - truth[i]!), 0)
    expect(sum / alpha.length).toBeLessThan(1)
  })

  test.each([0, 255])('of a plain matte of %d is plain', (value) => {
    expect(readAlpha(plain(value), createPicture(123, 45)).every((alpha) => alpha === value)).toBe(true)
  })

  test.each([
    [200, 128, Math.round((200 * 128) / 255)],
    [255, 90, 90],
    [255, 0, 0],
  ])('of a matte of %d on a picture with alpha %d is %d: multiplied', (matte, own, expected) => {
    expect(readAlpha(plain(matte), createPicture(16, 16, own)).every((alpha) => alpha === expected)).toBe(true)
  })

  test('lies where the picture is seen upright', () => {
    const picture = orient({ ...createPicture(3, 2), hasAlpha: false }, 6)
    // Opaque in the upper half of what is seen: the left part of what is stored.
    const alpha = readAlpha(Uint8Array.from([255, 255, 0, 0]), picture)
    expect([...alpha]).toEqual([255, 128, 0, 255, 128, 0])
  })
})

describe('the colours of a cut-out', () => {
  test('are the picture’s, and nothing where alpha is 0', () => {
    const picture = createPicture(4, 4)
    apply(Uint8Array.from([255, 0, 255, 0]), picture)
    const seen = Array.from({ length: 4 }, (_, x) => [...picture.pixels.subarray(x * 4, x * 4 + 4)])
    expect(seen).toEqual([
      [90, 90, 90, 255],
      [90, 90, 90, 191],
      [90, 90, 90, 64],
      [0, 0, 0, 0],
    ])
  })

  test('are nothing where the picture itself was transparent', () => {
    const picture = createPicture(4, 4, 0)
    apply(plain(255), picture)
    expect(picture.pixels.every((value) => value === 0)).toBe(true)
  })

  /** A guide that answers 200 whatever the colour, and edges of red on white. */
  const refineTo200 = (size: number) => ({
    guide: {
      size,
      channels: 4,
      values: Float32Array.from({ length: size * size * 4 }, (_, i) => (i % 4 === 3 ? 200 : 0)),
    },
    colours: { size: 1, channels: 6, values: Float32Array.of(255, 0, 0, 255, 255, 255) },
  })

  test('and the alpha are refined where the matte is neither 0 nor 255, and only there', () => {
    const picture = createPicture(3, 1)
    apply(Uint8Array.from([0, 100, 255, 0, 100, 255, 0, 100, 255]), picture, refineTo200(3))
    const [outside, edge, inside] = [0, 4, 8].map((at) => [...picture.pixels.subarray(at, at + 4)])
    expect([outside, inside]).toEqual([
      [0, 0, 0, 0],
      [90, 90, 90, 255],
    ])
    expect(edge![3]).toBe(200)
    expect(edge![0]).toBeGreaterThan(edge![1]! + 50)
  })

  test('are left alone where the picture has an alpha of its own', () => {
    const picture = createPicture(4, 4, 128)
    apply(plain(100), picture, refineTo200(size))
    expect([...picture.pixels.subarray(0, 4)]).toEqual([90, 90, 90, 50])
  })
})

describe('the foreground', () => {
  /** A matte at the size of the picture, so that each pixel's alpha is known. */
  const measure = (alphas: Record<number, number>, rest = 0) =>
    apply(
      Uint8Array.from({ length: 100 }, (_, i) => alphas[i] ?? rest),
      createPicture(10, 10),
    )

  test('is where alpha is above 127: box and coverage count it', () =>
    expect(measure({ 12: 128, 35: 255, 0: 127 })).toEqual({ bbox: [2, 1, 4, 3], coverage: 0.02 }))
  test('may be all of it', () => expect(measure({}, 255)).toEqual({ bbox: [0, 0, 10, 10], coverage: 1 }))
  test('may be none of it', () => expect(measure({}, 127)).toEqual({ bbox: [0, 0, 0, 0], coverage: 0 }))
})
