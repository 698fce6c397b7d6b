import * as ort from 'onnxruntime-node'
import sharp from 'sharp'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { defaultMatteModel } from '../../models/index.ts'
import { locateModel } from '../../models/verify.ts'
import { ApiError } from '../../src/errors.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import { explainRefusal, findHost } from '../../src/matte/choose-host.ts'
import type { InferService } from '../../src/matte/matte.ts'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { type CutTools, cutOut } from '../../workers/matte/cut.ts'
import type { Raster } from '../../workers/matte/picture.ts'
import { readOdd } from '../images/odd-images.ts'
import { readAll } from './streams.ts'

const { size, mean, std, name: inputName } = defaultMatteModel.input
const photo = (name: string): string => `test/fixtures/photos/${name}.jpg`

let session: ort.InferenceSession
beforeAll(async () => {
  session = await ort.InferenceSession.create(locateModel(defaultMatteModel))
})
afterEach(() => {
  vi.restoreAllMocks()
})

async function runModel(tensor: Float32Array): Promise<Uint8Array> {
  const answer = await session.run({ [inputName]: new ort.Tensor('float32', tensor, [1, 3, size, size]) })
  const data = answer[defaultMatteModel.output.name]?.data as Float32Array
  return Uint8Array.from(Uint8ClampedArray.from(data, (value) => value * 255))
}

const infer: Pick<InferService, 'infer'> = { infer: async (_, tensor) => ({ ok: true, alpha: await runModel(tensor) }) }
const plainMatte = (value: number): Pick<InferService, 'infer'> => ({
  infer: async () => ({ ok: true, alpha: new Uint8Array(size * size).fill(value) }),
})

function createPlace() {
  const place = { left: 0, lost: () => {}, held: true }
  return {
    ...place,
    renew(): boolean {
      return this.held
    },
    leave(): void {
      this.left += 1
    },
    whenLost(release: () => void): void {
      this.lost = release
    },
  }
}

const plain: MatteOptions = { ...defaultMatteOptions, refine: 'none' }

async function decodeBySharp(file: Uint8Array): Promise<Raster> {
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { pixels: new Uint8Array(data), width: info.width, height: info.height, hasAlpha: true }
}

const tools = (changes: Partial<CutTools> = {}): CutTools => ({
  model: defaultMatteModel,
  infer,
  explainRefusal: (header) => explainRefusal(findHost('edge'), header, plain),
  dropFile: () => {},
  decodeJpeg: async (file) => ({ ...(await decodeBySharp(file)), hasAlpha: false }),
  decodeWebp: decodeBySharp,
  encodeWebp: async (pixels, width, height) =>
    new Uint8Array(
      await sharp(pixels, { raw: { width, height, channels: 4 } })
        .webp({ lossless: true })
        .toBuffer(),
    ),
  ...changes,
})

async function cut(
  file: Uint8Array,
  changes: Partial<CutTools> = {},
  place = createPlace(),
  options: Partial<MatteOptions> = {},
) {
  const format = file[0] === 0x89 ? 'png' : file[0] === 0xff ? 'jpeg' : 'webp'
  const result = await cutOut(file, format, { ...plain, ...options }, tools(changes), place)
  if (!result.ok) return { result, place }
  const { data, info } = await sharp(await readAll(result.body))
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { result, place, data, info }
}

/** The matte of a file, computed without any code of this repository: sharp and onnxruntime-node alone. */
async function computeMatte(file: Uint8Array): Promise<Buffer> {
  const upright = await sharp(file)
    .rotate()
    .removeAlpha()
    .toColourspace('srgb')
    .png()
    .toBuffer({ resolveWithObject: true })
  const raw = await sharp(upright.data).resize(size, size, { fit: 'fill' }).raw().toBuffer()
  const tensor = Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const channel = Math.floor(i / (size * size))
    return (raw[(i % (size * size)) * 3 + channel]! / 255 - mean[channel]!) / std[channel]!
  })
  const { width, height } = upright.info
  return sharp(await runModel(tensor), { raw: { width: size, height: size, channels: 1 } })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .extractChannel(0)
    .raw()
    .toBuffer()
}

describe('a cut-out', () => {
  test.each(['flower', 'lantern', 'tower', 'capsule'])('of the %s: the matte and the photograph', async (name) => {
    const file = await sharp(photo(name)).png().toBuffer()
    const { result, place, data, info } = await cut(new Uint8Array(file))
    if (!result.ok || !data) throw new Error(result.ok ? '' : result.message)
    const [matte, original] = [await computeMatte(file), await sharp(file).raw().toBuffer()]
    let [difference, foreground, wrong] = [0, 0, 0]
    for (let i = 0; i < matte.length; i += 1) {
      const alpha = data[i * 4 + 3]!
      difference += Math.abs(alpha - matte[i]!)
      foreground += alpha > 127 ? 1 : 0
      for (let c = 0; c < 3; c += 1) wrong += data[i * 4 + c] === (alpha === 0 ? 0 : original[i * 3 + c]) ? 0 : 1
    }
    expect(difference / matte.length).toBeLessThanOrEqual(2)
    expect(wrong).toBe(0)
    expect(result.facts).toMatchObject({ width: info.width, height: info.height, model: defaultMatteModel.id })
    expect(result.facts.coverage).toBeCloseTo(foreground / matte.length, 6)
    expect(place.left).toBe(1)
  })

  test.each([3, 6])('of a JPEG under EXIF orientation %d is upright', async (orientation) => {
    const file = readOdd(`exif${orientation}.jpg`)
    const { result, data } = await cut(file, { infer: plainMatte(255) })
    if (!result.ok) throw new Error(result.message)
    const turned = await sharp(file).rotate().ensureAlpha().raw().toBuffer({ resolveWithObject: true })
    expect(result.facts).toMatchObject({ width: turned.info.width, height: turned.info.height, coverage: 1 })
    expect(data && Buffer.compare(data, turned.data)).toBe(0)
  })

  test('keeps and multiplies the alpha that came in', async () => {
    const file = readOdd('rgba8.png')
    const original = await sharp(file).raw().toBuffer()
    const { data } = await cut(file, { infer: plainMatte(255) })
    expect(data && Buffer.compare(data, original)).toBe(0)
  })

  test('that is half transparent or less everywhere has an empty box', async () => {
    const file = await sharp(readOdd('base.png')).ensureAlpha(0.4).png().toBuffer()
    const { result } = await cut(new Uint8Array(file), { infer: plainMatte(255) })
    expect(result).toMatchObject({ ok: true, facts: { bbox: [0, 0, 0, 0], coverage: 0 } })
  })

  test('tells the box of its foreground', async () => {
    const { result, data, info } = await cut(new Uint8Array(await sharp(photo('lantern')).resize(400).png().toBuffer()))
    if (!result.ok || !data) throw new Error('no cut-out')
    const [x, y, width, height] = result.facts.bbox
    const isForeground = (px: number, py: number) => (data[(py * info.width + px) * 4 + 3] ?? 0) > 127
    const columns = Array.from({ length: info.width }, (_, px) => px).filter((px) =>
      Array.from({ length: info.height }, (_, py) => py).some((py) => isForeground(px, py)),
    )
    const rows = Array.from({ length: info.height }, (_, py) => py).filter((py) =>
      Array.from({ length: info.width }, (_, px) => px).some((px) => isForeground(px, py)),
    )
    expect([columns[0], rows[0], columns.at(-1), rows.at(-1)]).toEqual([x, y, x + width - 1, y + height - 1])
  })
})

describe('no cut-out', () => {
  const failure = async (...args: Parameters<typeof cut>) => {
    const { result, place } = await cut(...args)
    expect(place.left).toBe(1)
    expect(result.ok).toBe(false)
    return result
  }

  test.each([
    ['trunc.png', /truncated PNG/],
    ['idat_corrupt.png', /damaged PNG/],
    ['ihdr_bigger.png', /4,000,000 at most/],
    ['ihdr_badcrc.png', /damaged PNG/],
    ['cmyk.jpg', /CMYK/],
    ['arith.jpg', /neither baseline nor progressive/],
    ['empty.bin', /empty/],
  ])('%s: invalid_image, saying why, and the place is left', async (name, message) => {
    expect(await failure(readOdd(name))).toMatchObject({
      code: 'invalid_image',
      message: expect.stringMatching(message),
    })
  })

  test('a JPEG that the decoder refuses', async () => {
    const decodeJpeg = () =>
      Promise.reject(new ApiError('invalid_image', { message: 'The image is a truncated JPEG.' }))
    expect(await failure(readOdd('base.jpg'), { decodeJpeg })).toMatchObject({ code: 'invalid_image' })
  })

  test('a picture of another size than its header says', async () => {
    const decodeJpeg = async () => ({ pixels: new Uint8Array(400), width: 10, height: 10, hasAlpha: false })
    expect(await failure(readOdd('base.jpg'), { decodeJpeg })).toMatchObject({ code: 'invalid_image' })
  })

  test('a picture that this host does not take: the reason, and that another may', async () => {
    const refuse = (header: ImageHeader) => (header.width === 300 ? 'The image is not for me.' : null)
    expect(await failure(readOdd('base.png'), { explainRefusal: refuse })).toEqual({
      ok: false,
      code: 'invalid_image',
      message: 'The image is not for me.',
      tryElsewhere: true,
    })
  })

  test('an empty matte: no_foreground', async () => {
    expect(await failure(readOdd('base.png'), { infer: plainMatte(127) })).toEqual({ ok: false, code: 'no_foreground' })
  })

  test('inference out of memory: processor_unavailable, when to try again, the cause in the log alone', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const busy: Pick<InferService, 'infer'> = {
      infer: async () => ({ ok: false, code: 'processor_unavailable', message: 'bad_alloc' }),
    }
    const result = await failure(readOdd('base.png'), { infer: busy })
    expect(result).toEqual({ ok: false, code: 'processor_unavailable', retryAfter: expect.any(Number) })
    expect(log).toHaveBeenCalledWith(expect.objectContaining({ message: 'bad_alloc' }))
  })

  test('inference not to be reached: processor_unavailable', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const gone: Pick<InferService, 'infer'> = { infer: () => Promise.reject(new Error('gone')) }
    expect(await failure(readOdd('base.png'), { infer: gone })).toMatchObject({ code: 'processor_unavailable' })
  })

  test('a bug: processing_failed, logged whole', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const decodeJpeg = () => Promise.reject(new TypeError('a bug'))
    expect(await failure(readOdd('base.jpg'), { decodeJpeg })).toEqual({ ok: false, code: 'processing_failed' })
    expect(log).toHaveBeenCalledWith(expect.objectContaining({ message: expect.stringMatching(/a bug/) }))
  })
})

describe('the place in the queue', () => {
  const start = async (place: ReturnType<typeof createPlace>) => {
    const result = await cutOut(readOdd('base.png'), 'png', plain, tools({ infer: plainMatte(255) }), place)
    if (!result.ok) throw new Error(result.code)
    return result.body
  }

  test('is held until the stream is read to its end', async () => {
    const place = createPlace()
    const body = await start(place)
    expect(place.left).toBe(0)
    await readAll(body)
    expect(place.left).toBe(1)
  })
  test('is left when the stream is cancelled', async () => {
    const place = createPlace()
    await (await start(place)).cancel()
    expect(place.left).toBe(1)
  })
  test('once lost, the pixels are gone and the stream fails', async () => {
    const place = createPlace()
    const body = await start(place)
    place.held = false
    place.lost()
    await expect(readAll(body)).rejects.toThrow(/place in the queue was lost/)
  })
  test('the file is dropped before inference', async () => {
    const order: string[] = []
    const slow: Pick<InferService, 'infer'> = {
      infer: async () => {
        order.push('infer')
        return { ok: true, alpha: new Uint8Array(size * size) }
      },
    }
    await cut(readOdd('base.png'), { infer: slow, dropFile: () => order.push('drop') })
    expect(order).toEqual(['drop', 'infer'])
  })
})

describe('a matte that is in doubt', () => {
  const unsure = { ok: false, code: 'processor_unavailable', isUnsure: true }

  test('is not worked out where somebody surer may be asked, and lets go of its place', async () => {
    const file = readOdd('base.png')
    const { result, place } = await cut(file, { infer: plainMatte(140), mostDoubt: 0.3 })
    expect([result, place.left]).toEqual([unsure, 1])
    expect((await cut(file, { infer: plainMatte(140) })).result.ok).toBe(true)
    expect((await cut(file, { infer: plainMatte(250), mostDoubt: 0.3 })).result.ok).toBe(true)
  })

  test('without a foreground says so, and that somebody else may see one', async () => {
    const file = readOdd('base.png')
    const { result } = await cut(file, { infer: plainMatte(0), mostDoubt: 0.3 })
    expect(result).toEqual({ ok: false, code: 'no_foreground', isUnsure: true })
    expect((await cut(file, { infer: plainMatte(0) })).result).toEqual({ ok: false, code: 'no_foreground' })
  })
})
