import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { Orientation } from '../../src/images/facts.ts'
import { free, orient, type Picture } from '../../workers/matte/picture.ts'
import { readOdd } from '../images/odd-images.ts'

/** The upright pixels of a picture, read through its steps. */
function readUpright({ pixels, width, height, origin, stepX, stepY }: Picture): Uint8Array {
  const upright = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = (origin + x * stepX + y * stepY) * 4
      upright.set(pixels.subarray(from, from + 4), (y * width + x) * 4)
    }
  }
  return upright
}

describe('a picture is seen upright, exactly as sharp turns it', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)('EXIF orientation %d', async (orientation: Orientation) => {
    const file = readOdd(`exif${orientation}.jpg`)
    const stored = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
    const turned = await sharp(file).rotate().ensureAlpha().raw().toBuffer({ resolveWithObject: true })
    const { width, height } = stored.info
    const picture = orient({ pixels: new Uint8Array(stored.data), width, height, hasAlpha: false }, orientation)
    expect([picture.width, picture.height]).toEqual([turned.info.width, turned.info.height])
    expect(Buffer.compare(readUpright(picture), turned.data)).toBe(0)
  })
})

test('freed pixels hold no memory', () => {
  const pixels = new Uint8Array(1000)
  free(pixels)
  expect(pixels.buffer.byteLength).toBe(0)
})
