import sharp from 'sharp'
import { describe, expect, it, test } from 'vitest'
import { type VariantOptions, variantFormats } from '../../src/hosting/resize.ts'
import type { Orientation } from '../../src/images/facts.ts'
import { readOdd } from '../images/odd-images.ts'
import { compare, describeSource, expectBytes, formatOf, make, readPixels } from './kit.ts'

/** What sharp makes of a file: upright, in sRGB, first frame; decoded whole, since it shrinks a JPEG otherwise. */
async function makeBySharp(file: Uint8Array, width: number, height: number): Promise<Buffer> {
  const whole = await sharp(file).autoOrient().toColourspace('srgb').png().toBuffer()
  return sharp(whole).resize(width, height, { fit: 'cover' }).ensureAlpha().raw().toBuffer()
}

const sources = ['base.png', 'base.jpg', 'base.gif', 'lossy.webp']

describe.each(sources)('%s', (name) => {
  const file = readOdd(name)

  it.each(variantFormats)('becomes a %s that looks like it', async (format) => {
    const made = make(file, await describeSource(file, formatOf(name)), { width: 150, format })
    expect(made).toMatchObject({ ok: true, contentType: `image/${format}`, width: 150, height: 100 })
    const bytes = expectBytes(made)
    const metadata = await sharp(bytes).metadata()
    expect(metadata).toMatchObject({ format, width: 150, height: 100 })
    expect(compare(await readPixels(bytes), await makeBySharp(file, 150, 100))).toBeLessThan(format === 'jpeg' ? 3 : 1)
  })

  it('that only changes its format keeps every pixel', async () => {
    for (const format of ['png', 'webp'] as const) {
      const bytes = expectBytes(make(file, await describeSource(file, formatOf(name)), { format }))
      // Decoders of lossy files round each in its own way.
      const most = name === 'base.png' || name === 'base.gif' ? 0 : 1
      expect(compare(await readPixels(bytes), await readPixels(file))).toBeLessThanOrEqual(most)
    }
  })
})

describe('300 x 200 pixels', () => {
  const file = readOdd('base.png')

  it.each<[Partial<VariantOptions>, number, number]>([
    [{ width: 150 }, 150, 100],
    [{ height: 50 }, 75, 50],
    [{ width: 60, height: 60, fit: 'cover' }, 60, 60],
    [{ width: 60, height: 60 }, 60, 40],
    [{ width: 9000 }, 300, 200],
    [{ width: 9000, height: 9000, fit: 'cover' }, 200, 200],
    [{ width: 1 }, 1, 1],
  ])('asked for %j are as planned and as sharp cuts them', async (options, width, height) => {
    const bytes = expectBytes(make(file, await describeSource(file, 'png'), options))
    expect(await sharp(bytes).metadata()).toMatchObject({ width, height })
    if (width > 1) expect(compare(await readPixels(bytes), await makeBySharp(file, width, height))).toBeLessThan(1.5)
  })
})

describe('orientation', () => {
  /** Soft, and another colour in each corner. */
  const drawCorners = (orientation: Orientation) => {
    const pixels = Uint8Array.from({ length: 300 * 200 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 300, Math.floor(i / 900)]
      return [(x * 255) / 300, (y * 255) / 200, ((300 - x) * y * 255) / 60_000][i % 3]!
    })
    return sharp(pixels, { raw: { width: 300, height: 200, channels: 3 } })
      .withMetadata({ orientation })
      .jpeg({ quality: 95 })
      .toBuffer()
  }

  it.each([1, 2, 3, 4, 5, 6, 7, 8] as const)('%i comes out upright, whole and cut', async (orientation) => {
    const file = await drawCorners(orientation)
    const source = await describeSource(file, 'jpeg', orientation)
    const turned = orientation >= 5
    const [width, height] = turned ? [100, 150] : [150, 100]
    const whole = await readPixels(expectBytes(make(file, source, { width })))
    expect(compare(whole, await makeBySharp(file, width, height))).toBeLessThan(1)
    const cut = await readPixels(expectBytes(make(file, source, { width: 90, height: 40, fit: 'cover' })))
    expect(compare(cut, await makeBySharp(file, 90, 40))).toBeLessThan(1.5)
    // As another orientation it is another picture.
    const other = await sharp(file).autoOrient().flop().png().toBuffer()
    expect(compare(whole, await makeBySharp(other, width, height))).toBeGreaterThan(20)
  })
})

describe('colour', () => {
  it.each(['p3conv.jpg', 'p3conv.png', 'p3conv.webp'])('of %s comes out in sRGB', async (name) => {
    const file = readOdd(name)
    const bytes = expectBytes(make(file, await describeSource(file, formatOf(name)), { width: 100 }))
    const { width, height } = await sharp(bytes).metadata()
    const [ours, right] = [await readPixels(bytes), await makeBySharp(file, width, height)]
    expect(compare(ours, right)).toBeLessThan(2)
    const unconverted = await sharp(file, { ignoreIcc: true }).png().toBuffer()
    expect(compare(await makeBySharp(unconverted, width, height), right)).toBeGreaterThan(4)
  })
})

describe('alpha', () => {
  const side = 400
  const isInside = (i: number) => Math.hypot((i % side) - side / 2, Math.floor(i / side) - side / 2) < side / 3
  const disc = Buffer.alloc(side * side * 4)
  for (let i = 0; i < side * side; i += 1) if (isInside(i)) disc.set([255, 0, 0, 255], i * 4)
  const draw = () =>
    sharp(disc, { raw: { width: side, height: side, channels: 4 } })
      .png()
      .toBuffer()

  it.each(['png', 'webp'] as const)('of a red disc on transparent black leaves no dark edge in %s', async (format) => {
    const file = await draw()
    const pixels = await readPixels(expectBytes(make(file, await describeSource(file, 'png'), { width: 50, format })))
    const seen = Array.from({ length: 50 * 50 }, (_, i) => pixels.subarray(i * 4, i * 4 + 4))
    expect(seen.filter(([, , , alpha]) => alpha! > 0 && alpha! < 255).length).toBeGreaterThan(50)
    for (const [red, green, blue, alpha] of seen) {
      expect([red, green, blue]).toEqual(alpha === 0 ? [0, 0, 0] : [255, 0, 0])
    }
  })

  it('lies on white in JPEG', async () => {
    const file = await draw()
    const bytes = expectBytes(make(file, await describeSource(file, 'png'), { width: 50, format: 'jpeg' }))
    const white = await sharp(file).flatten({ background: '#fff' }).resize(50).ensureAlpha().raw().toBuffer()
    expect(compare(await readPixels(bytes), white)).toBeLessThan(4)
    expect([...(await readPixels(bytes)).subarray(0, 3)]).toEqual([255, 255, 255])
  })
})

test('a variant holds nothing but its picture: no EXIF, no profile, no alpha that nobody needs', async () => {
  for (const name of ['exif6.jpg', 'exif6.png', 'exif6.webp', 'p3conv.png']) {
    const file = readOdd(name)
    for (const format of variantFormats) {
      const metadata = await sharp(
        expectBytes(make(file, await describeSource(file, formatOf(name)), { format })),
      ).metadata()
      expect(metadata.exif ?? metadata.icc ?? metadata.xmp, `${name} as ${format}`).toBeUndefined()
      if (format === 'png') expect(metadata.hasAlpha).toBe(false)
    }
  }
})

describe('the first frame', () => {
  it.each(['anim.png', 'anim.webp', 'anim.gif'])('of %s is what a variant shows', async (name) => {
    const file =
      name === 'anim.gif' ? await sharp(readOdd('anim.webp'), { animated: true }).gif().toBuffer() : readOdd(name)
    const bytes = expectBytes(make(file, await describeSource(file, formatOf(name))))
    expect(compare(await readPixels(bytes), await readPixels(file))).toBeLessThan(1)
  })

  it('of a GIF lies where it belongs on a larger screen', async () => {
    const file = readOdd('base.gif')
    new DataView(file.buffer).setUint16(6, 400, true)
    const bytes = expectBytes(make(file, { format: 'gif', width: 400, height: 200, orientation: 1 }))
    const frame = await sharp(bytes).extract({ left: 0, top: 0, width: 300, height: 200 }).raw().toBuffer()
    expect(frame.equals(await readPixels(readOdd('base.gif')))).toBe(true)
    expect((await readPixels(bytes))[399 * 4 + 3]).toBe(0)
  })
})

test.each([
  ...['palette.png', 'palette_trns.png', 'interlaced.png', 'gray1.png', 'gray8.png', 'graya8.png', 'rgb16.png'],
  ...['rgba16.png', 'rgba8.png', 'progressive.jpg', 'gray.jpg', 'rst.jpg', 's411.jpg', 's444.jpg', 'app_fakesof.jpg'],
  ...['lossless.webp', 'lossless_alpha.webp', 'lossy_alpha.webp'],
])('%s is decoded as sharp decodes it', async (name) => {
  const file = readOdd(name)
  const source = await describeSource(file, formatOf(name))
  const right = await sharp(file).toColourspace('srgb').ensureAlpha().raw().toBuffer()
  expect(compare(await readPixels(expectBytes(make(file, source))), right)).toBeLessThan(1)
})
