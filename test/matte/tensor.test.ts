import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { defaultMatteModel } from '../../models/index.ts'
import type { Orientation } from '../../src/images/facts.ts'
import { orient } from '../../workers/matte/picture.ts'
import { createInput, planWindows } from '../../workers/matte/tensor.ts'

const createTensor = (...parameters: Parameters<typeof createInput>) => createInput(...parameters).tensor

const { mean, std } = defaultMatteModel.input
/** Normalisation that leaves values as they are, 0 to 255. */
const plain = { name: 'input', size: 32, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] } as const

async function readRaster(image: Sharp) {
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { pixels: new Uint8Array(data), width: info.width, height: info.height }
}

function colour(width: number, height: number, rgba: readonly number[]) {
  const pixels = Uint8Array.from({ length: width * height * 4 }, (_, i) => rgba[i % 4]!)
  return { pixels, width, height, hasAlpha: rgba[3] !== 255 }
}

const photo = 'test/fixtures/photos/lantern.jpg'

describe('the tensor', () => {
  test.each([
    [300, 200],
    [32, 32],
    [7, 3],
    [1, 1],
    [1, 500],
  ])('of a plain %d x %d picture is plain, whatever the size', (width, height) => {
    const tensor = createTensor(orient(colour(width, height, [200, 100, 50, 255]), 1), plain)
    expect(tensor).toHaveLength(3 * 32 * 32)
    for (const [channel, value] of [200, 100, 50].entries()) {
      const plane = tensor.subarray(channel * 1024, (channel + 1) * 1024)
      expect(Math.min(...plane)).toBeCloseTo(value, 2)
      expect(Math.max(...plane)).toBeCloseTo(value, 2)
    }
  })

  test('is normalised as the row of the model says', () => {
    const tensor = createTensor(orient(colour(9, 9, [255, 0, 51, 255]), 1), { name: 'input', size: 8, mean, std })
    expect(tensor[0]).toBeCloseTo((1 - mean[0]) / std[0], 3)
    expect(tensor[64]).toBeCloseTo((0 - mean[1]) / std[1], 3)
    expect(tensor[128]).toBeCloseTo((0.2 - mean[2]) / std[2], 3)
  })

  test('shrinks as sharp does with Lanczos', async () => {
    const raster = await readRaster(sharp(photo))
    const size = 320
    const tensor = createTensor(orient({ ...raster, hasAlpha: false }, 1), { ...plain, size })
    const png = await sharp(photo).png().toBuffer()
    const truth = await sharp(png).resize(size, size, { fit: 'fill', kernel: 'lanczos3' }).raw().toBuffer()
    let [sum, worst] = [0, 0]
    for (let i = 0; i < size * size * 3; i += 1) {
      const difference = Math.abs(tensor[(i % 3) * size * size + Math.floor(i / 3)]! - truth[i]!)
      sum += difference
      worst = Math.max(worst, difference)
    }
    expect(sum / (size * size * 3)).toBeLessThan(0.7)
    expect(worst).toBeLessThan(12)
  })

  test('sees the picture upright', async () => {
    const stored = await readRaster(sharp(photo).resize(64, 40, { fit: 'fill' }))
    for (const orientation of [2, 3, 4, 5, 6, 7, 8] as const satisfies readonly Orientation[]) {
      const png = await sharp(stored.pixels, { raw: { ...stored, channels: 4 } })
        .png()
        .toBuffer()
      const tagged = await sharp(png).withMetadata({ orientation }).png().toBuffer()
      const upright = await readRaster(sharp(tagged).rotate())
      const seen = createTensor(orient({ ...stored, hasAlpha: false }, orientation), plain)
      expect(seen).toEqual(createTensor(orient({ ...upright, hasAlpha: false }, 1), plain))
    }
  })

  test('sees what is transparent on white, whatever hides under it', () => {
    const tensor = createTensor(orient(colour(9, 9, [0, 200, 0, 0]), 1), plain)
    expect(tensor[0]).toBeCloseTo(255, 2)
    expect(tensor[1024]).toBeCloseTo(255, 2)
    expect(createTensor(orient(colour(9, 9, [0, 255, 0, 51]), 1), plain)[0]).toBeCloseTo(204, 2)
  })
})

describe('windows', () => {
  test.each([
    [1, 320],
    [7, 320],
    [320, 320],
    [321, 320],
    [10_000, 320],
  ])('%d samples to %d: weights sum to 1, inside the picture, in order', (from, to) => {
    const windows = planWindows(from, to)
    expect(windows).toHaveLength(to)
    for (const [i, { start, weights }] of windows.entries()) {
      expect(start).toBeGreaterThanOrEqual(windows[i - 1]?.start ?? 0)
      expect(start + weights.length).toBeLessThanOrEqual(from)
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 4)
    }
  })
  test('a same size is a copy', () => {
    for (const [i, { start, weights }] of planWindows(5, 5).entries()) {
      expect(weights.findIndex((weight) => weight > 0.99) + start).toBe(i)
    }
  })
})
