import { join } from 'node:path'
import ort from 'onnxruntime-node'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { defaultMatteModel } from '../../models/index.ts'
import { guideMatte, stretched } from './guided-matte.ts'
import { createPayer, measureIncome, photo, post, sign, v2 } from './kit.ts'
import { shrink } from './pictures.ts'

const { size, mean, std } = defaultMatteModel.input
let session: ort.InferenceSession
beforeAll(async () => {
  session = await ort.InferenceSession.create(join(import.meta.dirname, '../../models', defaultMatteModel.file))
})

/** The matte of a picture by other code than the product's: sharp and the native runtime, over the same model file. */
async function matteOf(picture: Buffer, width: number, height: number, isRefined = true): Promise<Buffer> {
  // Decoded first: sharp would shrink a JPEG while it decodes it, which is another picture.
  const upright = await sharp(picture).rotate().toColourspace('srgb').removeAlpha().raw().toBuffer()
  const pixels = await sharp(upright, { raw: { width, height, channels: 3 } })
    .resize(size, size, { fit: 'fill', kernel: 'lanczos3' })
    .raw()
    .toBuffer()
  const plane = size * size
  const tensor = new Float32Array(3 * plane)
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) tensor[c * plane + i] = (pixels[i * 3 + c]! / 255 - mean[c]!) / std[c]!
  }
  const [input] = session.inputNames
  const [output] = session.outputNames
  const result = await session.run({ [input!]: new ort.Tensor('float32', tensor, [1, 3, size, size]) })
  const alpha = Uint8Array.from(result[output!]!.data as Float32Array, (value) => Math.round(value * 255))
  const matte = await sharp(alpha, { raw: { width: size, height: size, channels: 1 } })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .extractChannel(0)
    .raw()
    .toBuffer()
  if (!isRefined) return matte
  const [red, green, blue, offset] = guideMatte(alpha, pixels, size)
  return matte.map((value, i) => {
    if (value === 0 || value === 255) return value
    const at = (grid: Float64Array) => stretched(grid, size, i % width, Math.floor(i / width), width, height)
    const [r, g, b] = [0, 1, 2].map((c) => upright[i * 3 + c]!) as [number, number, number]
    return Math.min(255, Math.max(0, Math.round(at(red!) * r + at(green!) * g + at(blue!) * b + at(offset!) * 255)))
  }) as Buffer
}

async function buy(picture: Buffer, type = 'image/jpeg', query = ''): Promise<Response> {
  return post(picture, v2(await sign(await createPayer())), query, type)
}

async function compare(picture: Buffer, answer: Response, isRefined = true) {
  const cutout = Buffer.from(await answer.arrayBuffer())
  const { data, info } = await sharp(cutout).raw().toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const original = await sharp(picture).rotate().toColourspace('srgb').removeAlpha().raw().toBuffer()
  const matte = await matteOf(picture, width, height, isRefined)
  let [alphaError, colourError, opaque, leaks, share] = [0, 0, 0, 0, 0]
  for (let i = 0; i < width * height; i++) {
    const a = data[i * 4 + 3]!
    alphaError += Math.abs(a - matte[i]!)
    if (a > 127) share += 1
    if (a === 0 && (data[i * 4]! | data[i * 4 + 1]! | data[i * 4 + 2]!) !== 0) leaks += 1
    if (a >= 250) {
      opaque += 1
      for (let c = 0; c < 3; c++) colourError += Math.abs(data[i * 4 + c]! - original[i * 3 + c]!) / 3
    }
  }
  const pixels = width * height
  return {
    width,
    height,
    channels: info.channels,
    alphaError: alphaError / pixels,
    colourError: colourError / opaque,
    opaque,
    leaks,
    share: share / pixels,
    metadata: await sharp(cutout).metadata(),
  }
}

describe('a cut-out', () => {
  it.each(['flower.jpg', 'lantern.jpg', 'tower.jpg', 'capsule.jpg'])(
    'of %s has the independent matte and the picture’s colours',
    async (name) => {
      const picture = photo(name)
      const answer = await buy(picture)
      expect(answer.status).toBe(200)
      const { width, height } = await sharp(picture).metadata()
      const seen = await compare(picture, answer)
      expect(seen).toMatchObject({ width, height, channels: 4, leaks: 0 })
      // As the model sees it, and with edges that follow the picture.
      const plain = await compare(picture, await buy(picture, 'image/jpeg', '?refine=none'), false)
      expect(plain.alphaError).toBeLessThanOrEqual(1)
      expect(seen.alphaError).toBeLessThanOrEqual(1)
      expect(seen.opaque).toBeGreaterThan(0.005 * seen.width * seen.height)
      expect(seen.colourError).toBeLessThan(1)
      const { exif, icc, xmp, depth } = seen.metadata
      expect({ exif, icc, xmp, depth }).toEqual({ exif: undefined, icc: undefined, xmp: undefined, depth: 'uchar' })
      expect(answer.headers.get('x-image-width')).toBe(String(width))
      expect(answer.headers.get('x-image-height')).toBe(String(height))
      expect(Number(answer.headers.get('x-foreground-coverage'))).toBeCloseTo(seen.share, 3)
      expect(answer.headers.get('x-model')).toBe(defaultMatteModel.id)
    },
  )

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('of a picture with EXIF orientation %i is upright', async (orientation) => {
    const picture = await sharp(await shrink(photo('lantern.jpg'), 640))
      .withMetadata({ orientation })
      .jpeg({ quality: 95 })
      .toBuffer()
    const answer = await buy(picture)
    const { autoOrient } = await sharp(picture).metadata()
    const seen = await compare(picture, answer)
    expect(seen).toMatchObject({ width: autoOrient.width, height: autoOrient.height, leaks: 0 })
    expect(seen.alphaError).toBeLessThanOrEqual(1)
    expect(seen.colourError).toBeLessThan(1)
  })

  it('keeps the alpha that the picture had, multiplied', async () => {
    const faded = await sharp(await shrink(photo('flower.jpg'), 640))
      .ensureAlpha(0.8)
      .png()
      .toBuffer()
    const answer = await buy(faded, 'image/png')
    expect(answer.status).toBe(200)
    const { data: alpha, info } = await sharp(Buffer.from(await answer.arrayBuffer()))
      .extractChannel(3)
      .raw()
      .toBuffer({ resolveWithObject: true })
    // The model sees what is transparent on white.
    const seen = await sharp(faded).flatten({ background: 'white' }).png().toBuffer()
    const matte = await matteOf(seen, info.width, info.height)
    let error = 0
    for (let i = 0; i < alpha.length; i++) error += Math.abs(alpha[i]! - matte[i]! * 0.8)
    expect(error / alpha.length).toBeLessThanOrEqual(2)
    expect(alpha.reduce((most, value) => Math.max(most, value))).toBe(204)
  })
})

describe('POST /v1/remove-background', () => {
  it('answers 422 no_foreground for a blank wall, free', async () => {
    const wall = await sharp({ create: { width: 400, height: 300, channels: 3, background: '#88aacc' } })
      .png()
      .toBuffer()
    const [income, answer] = await measureIncome(() => buy(wall, 'image/png'))
    expect(answer.status).toBe(422)
    expect(await answer.json()).toMatchObject({ error: 'no_foreground' })
    expect(income).toBe(0n)
  })

  it('answers 400 invalid_image above the pixel limit, naming it, before any challenge', async () => {
    const answer = await post(photo('flower-10mp.jpg'))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      error: 'invalid_image',
      message: expect.stringMatching(/10,108,160 .*takes [\d,]+ at most/),
    })
  })

  it('answers 413 image_too_large above 25 MB', async () => {
    const answer = await post(Buffer.concat([photo('flower.jpg'), Buffer.alloc(25 << 20)]))
    expect(answer.status).toBe(413)
    expect(await answer.json()).toMatchObject({ error: 'image_too_large' })
  })
})
