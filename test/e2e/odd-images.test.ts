import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { oddNames, readOdd } from '../images/odd-images.ts'
import { createCaller, createPayer, photo, post, sign, v2 } from './kit.ts'

const types: Readonly<Record<string, string>> = { png: 'image/png', jpg: 'image/jpeg', webp: 'image/webp' }
const typeOf = (name: string): string => types[name.split('.').pop() ?? ''] ?? 'image/png'

const cut = async (body: Uint8Array, type: string, query = ''): Promise<Response> =>
  post(Buffer.from(body), { ...v2(await sign(await createPayer())), ...createCaller() }, query, type)

/** Why an odd file is refused; the others are pictures. */
const refused: Readonly<Record<string, RegExp>> = {
  'anim.png': /animated/,
  'anim.webp': /animated/,
  'arith.jpg': /neither baseline nor progressive/,
  'base.gif': /GIF data/,
  'cmyk.jpg': /CMYK/,
  'empty.bin': /empty/,
  'gif_js.gif': /GIF data/,
  'html_in_jpg.jpg': /truncated JPEG/,
  'idat_corrupt.png': /damaged PNG/,
  'ihdr_0x0.png': /0 x 0 pixels/,
  'ihdr_badcrc.png': /damaged PNG/,
  'ihdr_badtype.png': /colour type 5/,
  'ihdr_bigger.png': /4,000,000 at most/,
  'ihdr_huge.png': /10,000 at most/,
  // The first picture in it has no end.
  'jpeg_concat.jpg': /damaged JPEG|truncated JPEG/,
  'mp4.jpg': /AVIF data/,
  'riff_badsize.webp': /truncated WebP/,
  'seg_len0.jpg': /impossible length/,
  'seg_len1.jpg': /impossible length/,
  'sig.jpg': /truncated JPEG/,
  'sig.png': /truncated PNG/,
  'sig.webp': /truncated WebP/,
  'sof_c3.jpg': /neither baseline nor progressive/,
  'sof_h0.jpg': /300 x 0 pixels/,
  'sof_huge.jpg': /10,000 at most/,
  'svg.png': /SVG data/,
  'trunc.jpg': /truncated JPEG/,
  'trunc.png': /truncated PNG/,
  'trunc.webp': /truncated WebP/,
  'two_sof_smallfirst.jpg': /two frame headers/,
  'vp8x_huge.webp': /10,000 at most/,
  'vp8x_mismatch.webp': /damaged WebP|another size/,
  'vp8x_small.webp': /damaged WebP|another size/,
}

describe('an odd file', () => {
  it.each(oddNames)('%s', async (name) => {
    const file = readOdd(name)
    const answer = await cut(file, typeOf(name))
    const why = refused[name]
    if (why) {
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: 'invalid_image', message: expect.stringMatching(why) })
      return
    }
    // These are drawings: the model may see nothing in them.
    if (answer.status === 422) return expect(await answer.json()).toMatchObject({ error: 'no_foreground' })
    expect(answer.status).toBe(200)
    const upright = await sharp(file)
      .rotate()
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true })
    const { data, info } = await sharp(Buffer.from(await answer.arrayBuffer()))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([info.width, info.height]).toEqual([upright.info.width, upright.info.height])
    for (let i = 0; i < data.length; i += 4) {
      if (data[i + 3] !== 255) continue
      for (let c = 0; c < 3; c += 1) expect(Math.abs(data[i + c]! - upright.data[i + c]!)).toBeLessThanOrEqual(2)
    }
  })
})

describe('a WebP', () => {
  let source: Buffer
  beforeAll(async () => {
    source = await sharp(photo('lantern.jpg')).resize({ width: 480 }).png().toBuffer()
  })
  const kinds = {
    lossy: { quality: 90 },
    lossless: { lossless: true },
    'with alpha': { quality: 80, alphaQuality: 60 },
  }

  it.each(Object.entries(kinds))('that is %s is decoded as sharp decodes it', async (name, options) => {
    const picture = sharp(source).ensureAlpha(name === 'with alpha' ? 0.7 : 1)
    const file = await picture.webp(options).toBuffer()
    const answer = await cut(file, 'image/webp', '?refine=none')
    expect(answer.status).toBe(200)
    const [seen, truth] = await Promise.all([
      sharp(Buffer.from(await answer.arrayBuffer()))
        .raw()
        .toBuffer(),
      sharp(file).ensureAlpha().raw().toBuffer(),
    ])
    let worst = 0
    for (let i = 0; i < seen.length; i += 4) {
      expect(seen[i + 3]).toBeLessThanOrEqual(truth[i + 3]!)
      if (seen[i + 3]! < 128) continue
      for (let c = 0; c < 3; c += 1) worst = Math.max(worst, Math.abs(seen[i + c]! - truth[i + c]!))
    }
    expect(worst).toBeLessThanOrEqual(2)
  })
})
