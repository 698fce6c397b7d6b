import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { MatteOptions } from '../../src/matte/options.ts'
import { Budget } from '../../workers/container/budget.ts'
import { createCurv, createLut, createProfile, primaries } from '../images/icc-writer.ts'
import { oddNames, readOdd } from '../images/odd-images.ts'
import { createChunk } from '../images/png-writer.ts'
import { createTools, cutByContainer, cutByEdge, discModel, readBytes } from './kit.ts'

const photo = sharp('test/fixtures/photos/lantern.jpg').resize({ width: 500 })
const decode = (file: Uint8Array) => sharp(file).raw().toBuffer({ resolveWithObject: true })

describe('the same picture at the edge and in the Container', () => {
  const asked: readonly Partial<MatteOptions>[] = [
    {},
    { refine: 'none' },
    { output: 'mask' },
    { bg: '0080ff' },
    { crop: 'true', margin: '7px' },
    { crop: 'true', margin: '10%', bg: 'ffffff' },
    { crop: 'true', output: 'mask' },
  ]
  it.each(asked)('is cut to the same pixels and facts: %j', async (options) => {
    const file = await photo.clone().ensureAlpha(0.9).png().toBuffer()
    const [here, there] = [await cutByContainer(file, 'png', options), await cutByEdge(file, options)]
    expect(here).toMatchObject({ ok: true, contentType: 'image/png' })
    const { facts } = here as { facts: object }
    expect(facts).toEqual((there as { facts: object }).facts)
    const [own, edge] = [await decode(await readBytes(here)), await decode(await readBytes(there))]
    expect(own.info).toEqual(edge.info)
    expect(own.data.equals(edge.data)).toBe(true)
  })

  // What the edge's decoder of PNG takes: 16 bits, palettes, greys, interlaced, orientations, profiles.
  const pngs = oddNames.filter((name) => name.endsWith('.png') && name !== 'sig.png')
  it.each(pngs)('is seen alike: %s', async (name) => {
    const file = readOdd(name)
    // libvips cuts 16 bits off where the edge rounds them, and a guide makes much of one step in a flat drawing.
    const options = { refine: name.includes('16') ? 'none' : 'decontaminate' } as const
    const [here, there] = [await cutByContainer(file, 'png', options), await cutByEdge(file, options)]
    expect([here.ok, here.ok || here.code]).toEqual([there.ok, there.ok || there.code])
    if (!here.ok || !there.ok) return
    const [own, edge] = [await decode(await readBytes(here)), await decode(await readBytes(there))]
    expect(own.info).toEqual(edge.info)
    let worst = 0
    for (let i = 0; i < own.data.length; i += 1) worst = Math.max(worst, Math.abs(own.data[i]! - edge.data[i]!))
    expect(worst).toBeLessThanOrEqual(2)
  })
})

describe('a picture of many bands', () => {
  it('is cut as one that lies in memory as a whole', async () => {
    const large = photo.clone().resize(2000, 1900, { fit: 'fill' }).withIccProfile('p3')
    const file = await large.png({ compressionLevel: 1 }).toBuffer()
    const [own, edge] = [
      await decode(await readBytes(await cutByContainer(file, 'png', { crop: 'true', margin: '3px' }))),
      await decode(await readBytes(await cutByEdge(file, { crop: 'true', margin: '3px' }))),
    ].map(({ info, data }) => ({ info, data }))
    expect(own!.info).toEqual(edge!.info)
    expect(own!.data.equals(edge!.data)).toBe(true)
  })
})

describe('an orientation', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%d is turned upright, across strips', async (orientation) => {
    const turned = sharp('test/fixtures/photos/lantern.jpg').resize(301, 203, { fit: 'fill' })
    const file = await turned.withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer()
    const { data } = await decode(await readBytes(await cutByContainer(file, 'jpeg', { refine: 'none' })))
    const upright = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true })
    let [seen, off] = [0, 0]
    for (let i = 0, from = 0; i < data.length; i += 4, from += 3) {
      if (data[i + 3] !== 255) continue
      seen += 1
      for (let c = 0; c < 3; c += 1) off = Math.max(off, Math.abs(data[i + c]! - upright.data[from + c]!))
    }
    expect(seen).toBeGreaterThan(1000)
    expect(off).toBeLessThanOrEqual(1)
    expect(data.length / 4).toBe(upright.info.width * upright.info.height)
  })
})

describe('what stands behind the first 64 KiB of a file', () => {
  it('counts, too: an orientation', async () => {
    const file = readOdd('exif6.png')
    const comment = createChunk('tEXt', Buffer.concat([Buffer.from('Comment\0'), Buffer.alloc(100_000, 0x20)]))
    // Behind the signature and IHDR.
    const late = Buffer.concat([file.subarray(0, 33), comment, file.subarray(33)])
    const { info } = await decode(await readBytes(await cutByContainer(late, 'png')))
    expect([info.width, info.height]).toEqual([200, 300])
  })
})

describe('a picture on its side, of more than one strip', () => {
  it.each([3, 6, 8])('under orientation %d is turned upright', async (orientation) => {
    const turned = sharp('test/fixtures/photos/lantern.jpg').resize(2500, 1700, { fit: 'fill' })
    const file = await turned.withMetadata({ orientation }).jpeg().toBuffer()
    const { data } = await decode(await readBytes(await cutByContainer(file, 'jpeg', { bg: '000000', refine: 'none' })))
    const upright = await sharp(file).autoOrient().raw().toBuffer({ resolveWithObject: true })
    const { width, height } = upright.info
    // The disc's middle, in the first strip and in the last.
    for (const [x, y] of [
      [0.47, 0.45],
      [0.47, 0.53],
      [0.4, 0.6],
      [0.55, 0.62],
    ] as const) {
      const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3
      for (let c = at; c < at + 3; c += 1) expect(Math.abs(data[c]! - upright.data[c]!)).toBeLessThanOrEqual(1)
    }
    expect(data.length).toBe(upright.data.length)
  })
})

describe('format=webp', () => {
  it.each([{}, { bg: '00ff00' }, { crop: 'true', margin: '4px' }] as const)(
    'is the PNG, in lossy colour and lossless alpha: %j',
    async (options) => {
      const file = await photo.clone().png().toBuffer()
      const [png, webp] = [
        await decode(await readBytes(await cutByContainer(file, 'png', options))),
        await cutByContainer(file, 'png', { ...options, format: 'webp' }),
      ]
      expect(webp).toMatchObject({ ok: true, contentType: 'image/webp' })
      const bytes = await readBytes(webp)
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', hasAlpha: !('bg' in options) })
      const own = await decode(bytes)
      expect([own.info.width, own.info.height]).toEqual([png.info.width, png.info.height])
      let sum = 0
      for (let i = 0; i < own.data.length; i += 1) {
        if (own.info.channels === 4 && i % 4 === 3) expect(own.data[i]).toBe(png.data[i])
        else if (own.info.channels === 3 || png.data[i | 3] === 255) sum += Math.abs(own.data[i]! - png.data[i]!)
      }
      expect(sum / own.data.length).toBeLessThan(6)
    },
  )
})

describe('what the Container alone takes', () => {
  it.each(['cmyk.jpg', 'arith.jpg'])('%s', async (name) => {
    const { data, info } = await decode(
      await readBytes(await cutByContainer(readOdd(name), 'jpeg', { refine: 'none' })),
    )
    const truth = await sharp(readOdd(name)).toColourspace('srgb').raw().toBuffer()
    expect([info.width, info.height, info.channels]).toEqual([300, 200, 4])
    const centre = (100 * 300 + 150) * 4
    expect([...data.subarray(centre, centre + 3)]).toEqual([...truth.subarray((centre / 4) * 3, (centre / 4) * 3 + 3)])
  })
})

describe('a profile of lookup tables', () => {
  /** L*, a*, b* of sRGB's corners, black first and blue next, with red and green exchanged. */
  const exchanged = [
    [0, 0, 0],
    [29.57, 68.3, -112.03],
    [54.29, 80.81, 69.89],
    [60.17, 93.55, -60.5],
    [87.82, -79.29, 80.99],
    [90.67, -50.67, -14.96],
    [97.61, -15.75, 93.39],
    [100, 0, 0],
  ] as const

  it('is converted: where it says that red is green, red is green', async () => {
    const further = { A2B0: createLut(exchanged) }
    const profile = createProfile(primaries.srgb, createCurv(2.2), { pcs: 'Lab ', further })
    const iccp = createChunk('iCCP', Buffer.concat([Buffer.from('lut\0\0'), deflateSync(profile)]))
    const red = await sharp({ create: { width: 60, height: 60, channels: 3, background: '#f00' } })
      .png()
      .toBuffer()
    const file = Buffer.concat([red.subarray(0, 33), iccp, red.subarray(33)])
    const { data } = await decode(await readBytes(await cutByContainer(file, 'png', { refine: 'none' })))
    const [r, g, b, a] = data.subarray((32 * 60 + 28) * 4)
    expect([r! < 30, g! > 225, b! < 30, a]).toEqual([true, true, true, 255])
  })
})

describe('no cut-out', () => {
  it.each([
    ['trunc.png', 'png', /truncated PNG|damaged PNG/],
    ['idat_corrupt.png', 'png', /damaged PNG|truncated PNG/],
    ['trunc.jpg', 'jpeg', /truncated JPEG/],
    ['trunc.webp', 'webp', /truncated WebP/],
    ['sof_c3.jpg', 'jpeg', /lossless or hierarchical/],
    ['two_sof_smallfirst.jpg', 'jpeg', /two frame headers/],
    ['vp8x_mismatch.webp', 'webp', /damaged WebP|another size/],
    ['ihdr_huge.png', 'png', /10,000 at most/],
    ['svg.png', 'png', /SVG data/],
    ['empty.bin', 'png', /empty/],
  ] as const)('%s: invalid_image, and nothing is left', async (name, format, message) => {
    const { tools, left } = createTools()
    const result = await cutByContainer(readOdd(name), format, {}, { tools, left })
    expect(result).toMatchObject({ ok: false, code: 'invalid_image', message: expect.stringMatching(message) })
    expect([left(), tools.budget.state.used]).toEqual([[], 0])
  })

  it('a PNG without its end: truncated', async () => {
    const whole = await photo.clone().png().toBuffer()
    const result = await cutByContainer(whole.subarray(0, -12), 'png')
    expect(result).toMatchObject({ code: 'invalid_image', message: expect.stringMatching(/truncated PNG/) })
  })

  it('when its folder is gone: processing_failed, and not the file’s fault', async () => {
    const result = await cutByContainer(
      await photo.clone().png().toBuffer(),
      'png',
      {},
      {
        ...createTools({
          findModel: async () => ({ model: discModel, infer: () => Promise.reject(new Error('never asked')) }),
          scratch: '/proc/self/nowhere',
        }),
      },
    )
    expect(result).toEqual({ ok: false, code: 'processing_failed' })
  })

  it('a JPEG that ends in the middle of its picture, under an end marker: truncated', async () => {
    const whole = await photo.clone().jpeg().toBuffer()
    const half = Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.from([0xff, 0xd9])])
    const result = await cutByContainer(half, 'jpeg')
    expect(result).toMatchObject({ code: 'invalid_image', message: expect.stringMatching(/truncated JPEG/) })
  })

  it('whose header does not come within 1 MB has all the room there is, alone', async () => {
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0xff, 0xff]), Buffer.alloc(65_533)])
    const whole = await photo.clone().jpeg().toBuffer()
    const late = Buffer.concat([whole.subarray(0, 2), ...Array(60).fill(comment), whole.subarray(2)])
    const { tools, left } = createTools()
    const result = await cutByContainer(late, 'jpeg', {}, { tools, left })
    if (!result.ok) throw new Error(result.code)
    expect(tools.budget.state.used).toBe(tools.budget.state.bytes)
    await result.body.cancel()
    expect(tools.budget.state.used).toBe(0)
  })

  const png = () => photo.clone().png().toBuffer()

  it('when there is no room: processor_unavailable', async () => {
    const budget = new Budget({ bytes: 1, maxWaiting: 0, patience: 1 })
    await budget.enter(1, new AbortController().signal)
    const result = await cutByContainer(await png(), 'png', {}, createTools({ budget }))
    expect(result).toEqual({ ok: false, code: 'processor_unavailable', retryAfter: 10 })
  })

  it('when the matte is empty: no_foreground, and nothing is left', async () => {
    const empty = { alpha: new Uint8Array(64 * 64), size: 64 }
    const { tools, left } = createTools({ findModel: async () => ({ model: discModel, infer: async () => empty }) })
    const result = await cutByContainer(await png(), 'png', {}, { tools, left })
    expect(result).toEqual({ ok: false, code: 'no_foreground' })
    expect([left(), tools.budget.state.used]).toEqual([[], 0])
  })

  it('when the model breaks: processing_failed, and nothing is left', async () => {
    const infer = () => Promise.reject(new Error('the graph is bad'))
    const { tools, left } = createTools({ findModel: async () => ({ model: discModel, infer }) })
    const result = await cutByContainer(await png(), 'png', {}, { tools, left })
    expect(result).toEqual({ ok: false, code: 'processing_failed' })
    expect([left(), tools.budget.state.used]).toEqual([[], 0])
  })
})

describe('a client that hangs up', () => {
  const png = () => photo.clone().png().toBuffer()

  it('during the work: it stops, and room and files are given back', async () => {
    const client = new AbortController()
    const { tools, left } = createTools({
      findModel: async () => ({
        model: discModel,
        infer: async () => {
          client.abort()
          return { alpha: new Uint8Array(64 * 64).fill(255), size: 64 }
        },
      }),
    })
    const result = await cutByContainer(await png(), 'png', {}, { tools, left }, client.signal)
    expect(result).toMatchObject({ ok: false, code: 'processor_unavailable' })
    expect([left(), tools.budget.state.used]).toEqual([[], 0])
  })

  it.each(['cancels the answer', 'is gone'])('while the answer comes and %s: the same', async (how) => {
    const client = new AbortController()
    const { tools, left } = createTools()
    const result = await cutByContainer(await png(), 'png', {}, { tools, left }, client.signal)
    if (!result.ok) throw new Error(result.code)
    const reader = result.body.getReader()
    await reader.read()
    expect(tools.budget.state.used).toBeGreaterThan(0)
    if (how === 'is gone') {
      client.abort()
      await expect.poll(() => left()).toEqual([])
    } else await reader.cancel()
    expect([left(), tools.budget.state.used]).toEqual([[], 0])
  })
})
