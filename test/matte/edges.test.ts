import sharp from 'sharp'
import { describe, expect, it, vi } from 'vitest'
import type { Matte } from '../../workers/matte/alpha.ts'
import { applyMatte } from '../../workers/matte/apply-matte.ts'
import { estimateEdgeColours } from '../../workers/matte/decontaminate.ts'
import { createGuide } from '../../workers/matte/guided-filter.ts'
import { orient, type Picture } from '../../workers/matte/picture.ts'
import { Planes } from '../../workers/matte/planes.ts'
import type { Refinement } from '../../workers/matte/refinement.ts'
import { createInput } from '../../workers/matte/tensor.ts'

const size = 64
const side = 256
const input = { name: 'input', size, mean: [0, 0, 0], std: [1, 1, 1] } as const
const [front, back] = [
  [200, 40, 40],
  [40, 60, 200],
] as const

/** A disc of one colour on another, its edge `softness` pixels wide: the picture, and the alpha that it was mixed by. */
function drawDisc(softness: number): { picture: Picture; alpha: Uint8Array } {
  const pixels = new Uint8Array(side * side * 4)
  const alpha = Uint8Array.from({ length: side * side }, (_, i) => {
    const distance = Math.hypot((i % side) - side / 2, Math.floor(i / side) - side / 2)
    return Math.min(255, Math.max(0, 128 + ((80 - distance) / softness) * 255))
  })
  for (const [i, value] of alpha.entries()) {
    for (let c = 0; c < 3; c += 1) pixels[i * 4 + c] = back[c]! + ((front[c]! - back[c]!) * value) / 255 + 0.5
    pixels[i * 4 + 3] = 255
  }
  return { picture: orient({ pixels, width: side, height: side, hasAlpha: false }, 1), alpha }
}

/** The matte that a model of this size would give at best. */
async function shrink(alpha: Uint8Array) {
  const raw = { width: side, height: side, channels: 1 } as const
  const small = await sharp(alpha, { raw }).resize(size, size).extractChannel(0).raw().toBuffer()
  return { alpha: new Uint8Array(small), size }
}

/** The cut-out of a picture: its pixels, and their alpha alone. */
function cutOut(matte: Matte, picture: Picture, refinement?: Refinement) {
  const pixels = picture.pixels.slice()
  applyMatte(matte, { ...picture, pixels }, refinement)
  return { pixels, alpha: Uint8Array.from({ length: side * side }, (_, i) => pixels[i * 4 + 3]!) }
}
const differ = (a: Uint8Array, b: Uint8Array): number => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0)

describe('blur', () => {
  it('is the mean of the window, at the borders of what there is of it', () => {
    const plane = Float32Array.from({ length: 16 }, (_, i) => i)
    const blurred = new Planes(4).blur(plane, 1)
    expect(blurred[0]).toBeCloseTo((0 + 1 + 4 + 5) / 4)
    expect(blurred[5]).toBeCloseTo((0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10) / 9)
    expect(blurred[15]).toBeCloseTo((10 + 11 + 14 + 15) / 4)
  })

  it('takes any radius, also one larger than the plane', () => {
    const plane = Float32Array.from({ length: 9 }, (_, i) => i)
    for (const value of new Planes(3).blur(plane, 50)) expect(value).toBeCloseTo(4)
  })
})

describe('what refining needs beside its answer', () => {
  it.each([
    ['the guided filter', createGuide],
    ['decontamination', estimateEdgeColours],
  ])('is freed at once: %s', (_, refine) => {
    const made: Float32Array[] = []
    const create = Planes.prototype.create
    const spy = vi.spyOn(Planes.prototype, 'create').mockImplementation(function (this: Planes) {
      const plane = create.call(this)
      made.push(plane)
      return plane
    })
    const grid = refine({ alpha: new Uint8Array(16).fill(90), size: 4 }, new Uint8ClampedArray(48))
    spy.mockRestore()
    expect(made.length).toBeGreaterThan(10)
    expect(made.every((plane) => plane.length === 0)).toBe(true)
    expect(grid.values.length).toBeGreaterThan(0)
  })
})

describe('the guided filter', () => {
  it('brings the matte to the picture’s size closer to the truth than stretching it does', async () => {
    const { picture, alpha } = drawDisc(1)
    const matte = await shrink(alpha)
    const { thumbnail } = createInput(picture, input)
    const { alpha: stretched } = cutOut(matte, picture)
    const { alpha: guided } = cutOut(matte, picture, { guide: createGuide(matte, thumbnail) })
    expect(differ(guided, alpha)).toBeLessThan(differ(stretched, alpha) / 2)
  })

  it('leaves alone what the matte is sure of, and a picture without edges', () => {
    const pixels = Uint8Array.from({ length: side * side * 4 }, (_, i) => (i % 4 === 3 ? 255 : 90))
    const flat = orient({ pixels, width: side, height: side, hasAlpha: false }, 1)
    const { thumbnail } = createInput(flat, input)
    for (const value of [0, 100, 255]) {
      const matte = { alpha: new Uint8Array(size * size).fill(value), size }
      const { alpha: guided } = cutOut(matte, flat, { guide: createGuide(matte, thumbnail) })
      for (const seen of guided) expect(Math.abs(seen - value)).toBeLessThanOrEqual(1)
    }
  })
})

describe('decontamination', () => {
  it('gives soft edges the foreground’s own colour: no fringe of the ground', async () => {
    const { picture, alpha } = drawDisc(8)
    const matte = await shrink(alpha)
    const { thumbnail } = createInput(picture, input)
    const cleaned = cutOut(matte, picture, { colours: estimateEdgeColours(matte, thumbnail) }).pixels
    let [before, after, count] = [0, 0, 0]
    for (const [i, value] of alpha.entries()) {
      if (value < 40 || value > 215) continue
      for (let c = 0; c < 3; c += 1) {
        before += Math.abs(picture.pixels[i * 4 + c]! - front[c]!)
        after += Math.abs(cleaned[i * 4 + c]! - front[c]!)
        count += 1
      }
    }
    expect(before / count).toBeGreaterThan(40)
    expect(after / count).toBeLessThan(10)
  })
})
