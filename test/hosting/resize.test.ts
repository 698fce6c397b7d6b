import { describe, expect, it } from 'vitest'
import {
  planVariant,
  type VariantFormat,
  type VariantOptions,
  variantFits,
  variantFormats,
} from '../../src/hosting/resize.ts'
import type { Orientation } from '../../src/images/facts.ts'

type Fit = VariantOptions['fit']

function plan(
  [width, height]: readonly [number, number],
  wanted: readonly [number | null, number | null],
  fit: Fit = 'contain',
  { orientation = 1, format = 'png' }: { orientation?: Orientation; format?: VariantFormat } = {},
) {
  return planVariant({ width, height, orientation }, { width: wanted[0], height: wanted[1], fit, format })
}

describe('the size of a variant of 300 x 200 pixels', () => {
  it.each<[w: number | null, h: number | null, fit: Fit, width: number, height: number]>([
    [null, null, 'contain', 300, 200],
    [150, null, 'contain', 150, 100],
    [null, 50, 'contain', 75, 50],
    [60, 60, 'contain', 60, 40],
    [100, 20, 'contain', 30, 20],
    [60, 60, 'cover', 60, 60],
    [100, 20, 'cover', 100, 20],
    [60, null, 'cover', 60, 40],
    [null, 60, 'cover', 90, 60],
    [null, null, 'cover', 300, 200],
    // Rounded, and one pixel at least.
    [100, null, 'contain', 100, 67],
    [1, null, 'contain', 1, 1],
    [1, 1, 'cover', 1, 1],
    // Never enlarged.
    [9000, null, 'contain', 300, 200],
    [9000, 9000, 'contain', 300, 200],
    [300, 200, 'contain', 300, 200],
    [301, 100, 'contain', 150, 100],
    [9000, 9000, 'cover', 200, 200],
    [400, 100, 'cover', 300, 75],
    [100, 400, 'cover', 50, 200],
  ])('asked for %s x %s, %s, is %i x %i', (w, h, fit, width, height) => {
    expect(plan([300, 200], [w, h], fit)).toMatchObject({ width, height })
  })
})

describe('the part of the source that is seen', () => {
  it('is all of it where it is contained', () => {
    expect(plan([300, 200], [60, 60]).crop).toEqual({ x: 0, y: 0, width: 300, height: 200 })
  })

  it.each<[w: number, h: number, crop: object]>([
    [60, 60, { x: 50, y: 0, width: 200, height: 200 }],
    [100, 20, { x: 0, y: 70, width: 300, height: 60 }],
    [9000, 9000, { x: 50, y: 0, width: 200, height: 200 }],
  ])('is the middle where a box of %i x %i is covered', (w, h, crop) => {
    expect(plan([300, 200], [w, h], 'cover').crop).toEqual(crop)
  })

  it('begins at a whole pixel', () => {
    expect(plan([301, 200], [200, 200], 'cover').crop).toEqual({ x: 50, y: 0, width: 200, height: 200 })
  })
})

describe('an orientation', () => {
  it.each([5, 6, 7, 8] as const)('%i swaps the sides before anything is measured', (orientation) => {
    expect(plan([300, 200], [100, null], 'contain', { orientation })).toMatchObject({ width: 100, height: 150 })
    const { crop } = plan([300, 200], [60, 60], 'cover', { orientation })
    expect(crop).toEqual({ x: 0, y: 50, width: 200, height: 200 })
  })

  it.each([2, 3, 4] as const)('%i does not', (orientation) => {
    expect(plan([300, 200], [100, null], 'contain', { orientation })).toMatchObject({ width: 100, height: 67 })
  })
})

describe('a format', () => {
  it.each<[VariantFormat, number]>([
    ['png', 40_000],
    ['jpeg', 40_000],
    ['webp', 16_383],
  ])('%s holds at most its own longest side', (format, width) => {
    expect(plan([40_000, 90], [null, null], 'contain', { format }).width).toBe(width)
  })
})

it('for any source and box never enlarges, never leaves the source, and keeps the ratio within a pixel', () => {
  const sides = [1, 2, 3, 7, 199, 200, 2000, 65_535]
  for (const [width, height] of sides.flatMap((w) => sides.map((h) => [w, h] as const))) {
    for (const box of [null, ...sides].flatMap((w) => [null, ...sides].map((h) => [w, h] as const))) {
      for (const fit of variantFits) {
        for (const format of variantFormats) {
          const made = plan([width, height], box, fit, { format })
          const what = JSON.stringify([width, height, box, fit, format, made])
          const { x, y, ...crop } = made.crop
          expect(Math.min(made.width, made.height), what).toBeGreaterThanOrEqual(1)
          expect(made.width <= Math.min(width, box[0] ?? width), what).toBe(true)
          expect(made.height <= Math.min(height, box[1] ?? height), what).toBe(true)
          expect(x >= 0 && x + crop.width <= width + 1e-6 && y >= 0 && y + crop.height <= height + 1e-6, what).toBe(
            true,
          )
          const expected = (crop.height * made.width) / crop.width
          if (made.width > 1 && made.height > 1)
            expect(Math.abs(made.height - expected) <= 1 + made.height / made.width, what).toBe(true)
        }
      }
    }
  }
})
