import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import { checkImage } from '../../src/images/check-image.ts'
import { explainRefusal, findHost } from '../../src/matte/choose-host.ts'
import { defaultMatteOptions } from '../../src/matte/options.ts'
import { createCurv, createProfile, primaries } from './icc-writer.ts'
import { oddNames, readOdd } from './odd-images.ts'
import { createChunk, createIhdr, createPng, pngSignature } from './png-writer.ts'

const edge = findHost('edge')
const types: Readonly<Record<string, string>> = { png: 'image/png', jpg: 'image/jpeg', webp: 'image/webp' }
const typeOf = (name: string): string => types[name.split('.').pop() ?? ''] ?? 'image/png'

/** What a deployment without a Container says of an image. */
function check(bytes: Uint8Array, type: string | null, complete = true): unknown {
  try {
    const { format, header } = checkImage(bytes, complete, type)
    const refusal = header && explainRefusal(edge, header, defaultMatteOptions)
    if (refusal) return `invalid_image: ${refusal}`
    return { format, width: header?.width ?? null, height: header?.height ?? null }
  } catch (error) {
    if (error instanceof ApiError) return `${error.code}: ${error.message}`
    throw error
  }
}

const small = { width: 300, height: 200 }
/** What each odd file gives when all of it is looked at: the facts, or the refusal. */
const odd: Readonly<Record<string, object | RegExp>> = {
  'anim.png': /animated/,
  'anim.webp': /animated/,
  'app_fakesof.jpg': { format: 'jpeg', ...small },
  'arith.jpg': /neither baseline nor progressive/,
  'base.gif': /is GIF data, but Content-Type says image\/png/,
  'base.jpg': { format: 'jpeg', ...small },
  'base.png': { format: 'png', ...small },
  'cmyk.jpg': /JPEG in CMYK/,
  'empty.bin': /body is empty/,
  'exif1.jpg': { format: 'jpeg', ...small },
  'exif2.jpg': { format: 'jpeg', ...small },
  'exif3.jpg': { format: 'jpeg', ...small },
  'exif4.jpg': { format: 'jpeg', ...small },
  'exif5.jpg': { format: 'jpeg', ...small },
  'exif6.jpg': { format: 'jpeg', ...small },
  'exif6.png': { format: 'png', ...small },
  'exif6.webp': { format: 'webp', ...small },
  'exif7.jpg': { format: 'jpeg', ...small },
  'exif8.jpg': { format: 'jpeg', ...small },
  'fill_ff.jpg': { format: 'jpeg', ...small },
  'gif_js.gif': /GIF data/,
  'gray.jpg': { format: 'jpeg', ...small },
  'gray1.png': { format: 'png', ...small },
  'gray16.png': { format: 'png', ...small },
  'gray8.png': { format: 'png', ...small },
  'graya8.png': { format: 'png', ...small },
  'html_in_jpg.jpg': /truncated JPEG/,
  'idat_corrupt.png': { format: 'png', ...small },
  'ihdr_0x0.png': /0 x 0 pixels; both sides must be 1 to 10,000/,
  'ihdr_badcrc.png': { format: 'png', ...small },
  'ihdr_badtype.png': /colour type 5 at bit depth 8/,
  'ihdr_bigger.png': /3,000 x 2,000 pixels, 6,000,000 in all; this deployment takes 4,000,000 at most/,
  'ihdr_huge.png': /each side may have 10,000 at most/,
  'interlaced.png': { format: 'png', ...small },
  'jpeg_concat.jpg': { format: 'jpeg', ...small },
  'lossless.webp': { format: 'webp', ...small },
  'lossless_alpha.webp': { format: 'webp', ...small },
  'lossy.webp': { format: 'webp', ...small },
  'lossy_alpha.webp': { format: 'webp', ...small },
  'mp4.jpg': /is AVIF data, but Content-Type says image\/jpeg/,
  'p3conv.jpg': { format: 'jpeg', ...small },
  'p3conv.png': { format: 'png', ...small },
  'p3conv.webp': { format: 'webp', ...small },
  'palette.png': { format: 'png', ...small },
  'palette_trns.png': { format: 'png', ...small },
  'png_zip.png': { format: 'png', ...small },
  'progressive.jpg': { format: 'jpeg', ...small },
  'rgb16.png': { format: 'png', ...small },
  'rgba16.png': { format: 'png', ...small },
  'rgba8.png': { format: 'png', ...small },
  'rgbjpeg.jpg': { format: 'jpeg', ...small },
  'riff_badsize.webp': { format: 'webp', ...small },
  'rst.jpg': { format: 'jpeg', ...small },
  's411.jpg': { format: 'jpeg', ...small },
  's444.jpg': { format: 'jpeg', ...small },
  'seg_len0.jpg': /segment of impossible length/,
  'seg_len1.jpg': /segment of impossible length/,
  'sig.jpg': /truncated JPEG/,
  'sig.png': /truncated PNG/,
  'sig.webp': /truncated WebP/,
  'sof_c3.jpg': /neither baseline nor progressive/,
  'sof_h0.jpg': /300 x 0 pixels/,
  'sof_huge.jpg': /each side may have 10,000/,
  'svg.png': /is SVG data, but Content-Type says image\/png/,
  'trunc.jpg': { format: 'jpeg', ...small },
  'trunc.png': { format: 'png', ...small },
  'trunc.webp': { format: 'webp', ...small },
  'two_sof_smallfirst.jpg': /two frame headers/,
  'vp8x_huge.webp': /each side may have 10,000/,
  'vp8x_mismatch.webp': { format: 'webp', width: 1000, height: 1000 },
  'vp8x_small.webp': { format: 'webp', width: 10, height: 10 },
}

describe('the odd corpus', () => {
  test('has a row for every file', () => expect(Object.keys(odd).sort()).toEqual([...oddNames].sort()))

  test.each(Object.entries(odd))('%s', (name, expected) => {
    const seen = check(readOdd(name), typeOf(name))
    if (expected instanceof RegExp) {
      expect(seen).toMatch(/^invalid_image: The /)
      expect(seen).toMatch(expected)
    } else expect(seen).toEqual(expected)
  })

  test.each(oddNames)('%s, cut off anywhere: facts, "not yet", or a refusal, never another error', (name) => {
    const bytes = readOdd(name)
    for (let length = 0; length < Math.min(bytes.length, 700); length += 1) {
      for (const complete of [true, false]) {
        const seen = check(bytes.subarray(0, length), typeOf(name), complete)
        if (typeof seen === 'string') expect(seen).toMatch(/^invalid_image: The /)
        else expect(seen).toHaveProperty('format')
      }
    }
  })
})

describe('Content-Type', () => {
  const jpeg = readOdd('base.jpg')

  test.each(['image/jpeg', 'image/jpg', 'IMAGE/JPEG', 'image/jpeg; charset=binary', ' image/jpeg ;q=1'])(
    '"%s" is a JPEG',
    (type) => expect(check(jpeg, type)).toEqual({ format: 'jpeg', ...small }),
  )

  test.each([null, '', 'image/gif', 'image/svg+xml', 'application/octet-stream', 'image', 'constructor'])(
    '%j is 415',
    (type) => expect(check(jpeg, type)).toMatch(/^unsupported_media_type: /),
  )

  test('bytes that disagree are 400 and named', () => {
    expect(check(jpeg, 'image/png')).toMatch(
      /^invalid_image: The body is image\/jpeg, but Content-Type says image\/png/,
    )
  })

  test('bytes that are no image are 400', () => {
    expect(check(Buffer.from('hello, I am no image at all'), 'image/jpeg')).toMatch(/no image that is known here/)
  })
})

describe('the first bytes alone', () => {
  const late = () => {
    const filler = Buffer.alloc(60_004, 0x20)
    filler.writeUInt16BE(0xffed, 0)
    filler.writeUInt16BE(60_002, 2)
    const jpeg = readOdd('base.jpg')
    return Buffer.concat([jpeg.subarray(0, 2), filler, filler, jpeg.subarray(2)])
  }

  test('dimensions behind them: null, the caller proceeds', () => {
    expect(check(late().subarray(0, 65_536), 'image/jpeg', false)).toEqual({
      format: 'jpeg',
      width: null,
      height: null,
    })
  })
  test('the whole file then tells them', () =>
    expect(check(late(), 'image/jpeg')).toEqual({ format: 'jpeg', ...small }))
  test('an empty body is called empty', () => expect(check(new Uint8Array(0), 'image/png')).toMatch(/body is empty/))
})

describe('limits', () => {
  const png = (width: number, height: number) =>
    Buffer.concat([pngSignature, createIhdr({ width, height, bitDepth: 8, colourType: 6 }), Buffer.alloc(64)])

  test.each([
    [2000, 2000],
    [10_000, 400],
    [1, 1],
  ])('%d x %d is taken', (width, height) =>
    expect(check(png(width, height), 'image/png', false)).toEqual({ format: 'png', width, height }),
  )
  test('one row more is refused, naming the limit', () => {
    expect(check(png(2000, 2001), 'image/png', false)).toMatch(
      /4,002,000 in all; this deployment takes 4,000,000 at most/,
    )
  })
  test.each([
    [10_001, 1],
    [1, 10_001],
    [0, 17],
    [17, 0],
    [0xffffffff, 0xffffffff],
  ])('%d x %d is refused', (width, height) =>
    expect(check(png(width, height), 'image/png', false)).toMatch(/^invalid_image: .*10,000/),
  )
})

describe('an animation chunk', () => {
  const create = (frames: number) =>
    createPng({ width: 1, height: 1, bitDepth: 8, colourType: 0 }, Uint8Array.of(0, 0), [
      createChunk('acTL', Uint8Array.of(0, 0, 0, frames, 0, 0, 0, 0)),
    ])
  test('of one frame is a still picture', () =>
    expect(check(create(1), 'image/png')).toEqual({ format: 'png', width: 1, height: 1 }))
  test('of two is refused', () => expect(check(create(2), 'image/png')).toMatch(/animated/))
})

describe('colour profiles', () => {
  const picture = () => sharp(Buffer.from(readOdd('base.png')))
  const kinds = { jpeg: 'image/jpeg', png: 'image/png' } as const

  test.each(['jpeg', 'png'] as const)('sRGB in a %s passes', async (format) => {
    const bytes = await picture().withIccProfile('srgb').toFormat(format).toBuffer()
    expect((await sharp(bytes).metadata()).icc).toBeDefined()
    expect(check(bytes, kinds[format])).toEqual({ format, ...small })
  })
  test.each(['jpeg', 'png'] as const)('Display P3 in a %s passes', async (format) => {
    const bytes = await picture().withIccProfile('p3').toFormat(format).toBuffer()
    expect(check(bytes, kinds[format])).toEqual({ format, ...small })
  })
  test('a damaged one is none', () => {
    const iccp = createChunk('iCCP', Buffer.from('p\0\0 this is not deflated'))
    const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
    expect(check(createPng(spec, Uint8Array.of(0, 0), [iccp]), 'image/png')).toEqual({
      format: 'png',
      width: 1,
      height: 1,
    })
  })
  test('one of lookup tables is refused', () => {
    const profile = createProfile(primaries.adobe, createCurv(2.2), { further: { A2B0: Buffer.alloc(40) } })
    const iccp = createChunk('iCCP', Buffer.concat([Buffer.from('lut\0\0'), deflateSync(profile)]))
    const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
    expect(check(createPng(spec, Uint8Array.of(0, 0), [iccp]), 'image/png')).toMatch(/colour profile that is no matrix/)
  })
  test('a profile that unfolds without end is none, in bounded memory', async () => {
    const bomb = createChunk('iCCP', Buffer.concat([Buffer.from('bomb\0\0'), deflate(64 << 20)]))
    const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
    const before = process.memoryUsage().arrayBuffers
    expect(check(createPng(spec, Uint8Array.of(0, 0), [bomb]), 'image/png')).toEqual({
      format: 'png',
      width: 1,
      height: 1,
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 << 20)
  })
  test.each([
    [[1, 13, 0, 1], true],
    [[12, 13, 0, 1], true],
    [[9, 16, 0, 1], false],
  ])('cICP %j passes: %j', (data, passes) => {
    const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
    const bytes = createPng(spec, Uint8Array.of(0, 0), [createChunk('cICP', Uint8Array.from(data))])
    expect(typeof check(bytes, 'image/png') === 'object').toBe(passes)
  })
})

function deflate(length: number): Buffer {
  return deflateSync(new Uint8Array(length))
}
