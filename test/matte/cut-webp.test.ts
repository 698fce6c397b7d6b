import sharp from 'sharp'
import { expect, test } from 'vitest'
import { defaultMatteModel } from '../../models/index.ts'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { type CutTools, cutOut } from '../../workers/matte/cut.ts'
import type { Place } from '../../workers/matte/queue.ts'
import { readOdd } from '../images/odd-images.ts'

const { size } = defaultMatteModel.input
/** A matte that grows from left to right. */
const ramp = Uint8Array.from({ length: size * size }, (_, i) => ((i % size) * 255) / (size - 1))
const unused = () => Promise.reject(new Error('these files are PNG'))

const tools: CutTools = {
  model: defaultMatteModel,
  infer: { infer: async () => ({ ok: true, alpha: ramp }) },
  decodeJpeg: unused,
  decodeWebp: unused,
  // Every pixel as it is, also under alpha 0.
  encodeWebp: async (pixels, width, height) => {
    const raw = { width, height, channels: 4 } as const
    return new Uint8Array(await sharp(pixels, { raw }).webp({ lossless: true, exact: true }).toBuffer())
  },
  explainRefusal: () => null,
  dropFile: () => {},
}

/** The pixels of the answer, RGBA, and whether the place was left. */
async function cut(file: Uint8Array, options: Partial<MatteOptions>, place: Partial<Place> = {}) {
  let left = 0
  const held = { renew: () => true, leave: () => (left += 1), whenLost: () => {}, ...place }
  const result = await cutOut(file.slice(), 'png', { ...defaultMatteOptions, ...options }, tools, held)
  if (!result.ok) return { code: result.code, left }
  const body = Buffer.from(await new Response(result.body).arrayBuffer())
  const { data, info } = await sharp(body).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { contentType: result.contentType, facts: result.facts, data, width: info.width, height: info.height, left }
}

const flower = async () => new Uint8Array(await sharp('test/fixtures/photos/flower.jpg').resize(400).png().toBuffer())

test.each<[string, () => Promise<Uint8Array>, Partial<MatteOptions>]>([
  ['whole', flower, {}],
  ['cropped', flower, { crop: 'true', margin: '7px' }],
  ['on a colour', flower, { bg: '204060' }],
  ['whole, of a file that lies on its side', async () => readOdd('exif6.png'), {}],
])('a WebP is the PNG, pixel by pixel: %s', async (_, create, options) => {
  const file = await create()
  const png = await cut(file, options)
  expect(png.contentType).toBe('image/png')
  expect(await cut(file, { ...options, format: 'webp' })).toEqual({ ...png, contentType: 'image/webp' })
  expect(png.left).toBe(1)
})

test.each([
  [1, 'after decoding'],
  [2, 'after inference'],
  [3, 'before encoding'],
])('a place that is lost at its renewal %d, %s, ends the work with when to come again', async (last) => {
  let renewals = 0
  const renew = () => {
    renewals += 1
    return renewals < last
  }
  expect(await cut(await flower(), { format: 'webp' }, { renew })).toEqual({ code: 'processor_unavailable', left: 1 })
  expect(renewals).toBe(last)
})
