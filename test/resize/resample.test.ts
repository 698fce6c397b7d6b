import { expect, it, test } from 'vitest'
import { orient } from '../../workers/matte/picture.ts'
import { resample } from '../../workers/resize/resample.ts'

type Rgba = readonly [number, number, number, number]

const fill = (width: number, height: number, colour: Rgba) => ({
  pixels: Uint8Array.from({ length: width * height * 4 }, (_, i) => colour[i % 4]!),
  width,
  height,
})

function shrink(
  source: ReturnType<typeof fill>,
  width: number,
  height: number,
  crop = { x: 0, y: 0, width: source.width, height: source.height },
): Uint8Array {
  const pixels = new Uint8Array(width * height * 4)
  resample(source, crop, orient({ pixels, width, height, hasAlpha: true }, 1))
  return pixels
}

it.each<Rgba>([
  [200, 100, 50, 255],
  [200, 100, 50, 128],
])('leaves one colour (%i, %i, %i, %i) as it is, at every size and cut', (...colour) => {
  const source = fill(61, 61, colour)
  for (let side = 1; side <= 61; side += 1) {
    const expected = fill(side, side, colour).pixels
    expect(shrink(source, side, side), `${side}`).toEqual(expected)
    const crop = { x: 3, y: 5, width: side * 0.9 + 0.1 * 50, height: side * 0.9 + 0.1 * 50 }
    if (crop.width >= side && crop.width <= 50)
      expect(shrink(source, side, side, crop), `cut ${side}`).toEqual(expected)
  }
})

it.each([
  [1, 4000, 1, 3],
  [4000, 1, 3, 1],
  [1, 9000, 1, 8999],
  [5, 3, 5, 3],
  [1, 1, 1, 1],
])('takes %i x %i pixels to %i x %i', (...[width, height, toWidth, toHeight]) => {
  const colour = [209, 108, 7, 255] as const
  expect(shrink(fill(width, height, colour), toWidth, toHeight)).toEqual(fill(toWidth, toHeight, colour).pixels)
})

test('a copy at its own size is exact, also of what has no alpha to show', () => {
  const source = { pixels: Uint8Array.from({ length: 20 * 10 * 4 }, (_, i) => (i * 7919) % 251), width: 20, height: 10 }
  const expected = source.pixels.map((value, i) => (source.pixels[i | 3] === 0 ? 0 : value))
  expect(shrink(source, 20, 10)).toEqual(expected)
  const cut = shrink(source, 7, 4, { x: 2, y: 3, width: 7, height: 4 })
  for (let y = 0; y < 4; y += 1) {
    const row = ((y + 3) * 20 + 2) * 4
    expect(cut.subarray(y * 28, y * 28 + 28)).toEqual(expected.subarray(row, row + 28))
  }
})

test('fine stripes become grey and not other stripes', () => {
  const stripes = fill(512, 8, [0, 0, 0, 255])
  for (let i = 0; i < stripes.pixels.length; i += 8) stripes.pixels.set([255, 255, 255, 255], i)
  const pixels = shrink(stripes, 100, 2).filter((_, i) => i % 4 === 0)
  for (const value of pixels.subarray(3, 97)) expect(Math.abs(value - 127.5)).toBeLessThan(4)
})
