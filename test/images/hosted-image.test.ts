import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { hostedFormats, joinPieces, readHostedImage } from '../../src/images/hosted-image.ts'
import { expectStable, strip } from './expect-hosted.ts'
import { createPicture, samples } from './hosted-samples.ts'
import { readOdd } from './odd-images.ts'

/** What a decoder makes of it: pixels in sRGB, frame under frame. */
const decode = (file: Uint8Array) => sharp(file, { animated: true }).raw().toBuffer()

/** What decides about the picture beside its pixels. */
async function readFacts(file: Uint8Array) {
  const {
    format,
    width,
    height,
    space,
    channels,
    depth,
    density,
    orientation,
    icc,
    pages,
    loop,
    delay,
    isProgressive,
  } = await sharp(file, { animated: true }).metadata()
  return {
    ...{ format, width, height, space, channels, depth, density, isProgressive, pages, loop, delay },
    ...{ icc: icc?.toString('base64'), orientation: orientation ?? 1 },
  }
}

const traces = [
  'secret',
  '8BIM',
  'MPF',
  'JFXX',
  'xmp',
  'ns.adobe',
  'PK\x03\x04',
  'ftyp',
  'tIME',
  '\x88\x25',
  '\x25\x88',
]

describe('the table of formats', () => {
  test.each(Object.entries(hostedFormats))('%s has names of its own', (format, { contentType, extension, name }) => {
    expect(contentType).toBe(`image/${format}`)
    expect(extension).toMatch(/^[a-z]{3,4}$/)
    expect(name.toLowerCase()).toBe(format)
  })
})

describe.each(Object.entries(samples))('%s', (name, create) => {
  test('keeps pixels, profile, orientation, density and motion', async () => {
    const file = await create()
    const stripped = strip(file)
    expect(stripped.length).toBeLessThan(file.length)
    expect((await decode(stripped)).equals(await decode(file))).toBe(true)
    const facts = await readFacts(file)
    const announced = !name.includes('not announce')
    expect(await readFacts(stripped)).toEqual({ ...facts, orientation: announced ? facts.orientation : 1 })
  })

  test('loses every trace of what was planted', async () => {
    const stripped = Buffer.from(strip(await create())).toString('latin1')
    for (const trace of traces) expect(stripped.includes(trace), trace).toBe(false)
    const { exif, xmp, iptc, comments } = await sharp(strip(await create())).metadata()
    // Exif\0\0, header, one entry.
    expect(exif?.length ?? 26).toBeLessThanOrEqual(32)
    expect({ xmp, iptc, comments }).toEqual({ xmp: undefined, iptc: undefined, comments: undefined })
  })

  test('says what it is', async () => {
    const file = await create()
    const image = readHostedImage(file)
    const facts = await sharp(file).metadata()
    expect(image).toMatchObject({ format: facts.format, width: facts.width, height: facts.height })
    const announced = image.format !== 'gif' && !name.includes('not announce')
    expect(image.orientation).toBe(announced ? facts.orientation : 1)
    expect(image.size).toBe(image.pieces.reduce((sum, piece) => sum + piece.length, 0))
    expect(image.pieces.length).toBeLessThan(20)
  })

  test('is stripped the same way every time, and only once', async () => {
    const file = await create()
    expect(Buffer.from(strip(file)).equals(strip(file))).toBe(true)
    expectStable(file)
  })
})

const fixtures = join(import.meta.dirname, '../fixtures')
const pictures = ['odd-images', 'photos', 'eval'].flatMap((folder) =>
  readdirSync(join(fixtures, folder))
    .filter((name) => /\.(jpg|png|gif|webp)$/.test(name))
    .map((name) => `${folder}/${name}`),
)
/** Files of the corpora that are none, or broken. */
const refused = [
  ...['gif_js.gif', 'html_in_jpg.jpg', 'idat_corrupt.png', 'ihdr_0x0.png', 'ihdr_badcrc.png', 'ihdr_badtype.png'],
  ...['jpeg_concat.jpg', 'mp4.jpg', 'riff_badsize.webp', 'seg_len0.jpg', 'seg_len1.jpg', 'sig.jpg', 'sig.png'],
  ...['sig.webp', 'sof_h0.jpg', 'svg.png', 'trunc.jpg', 'trunc.png', 'trunc.webp', 'two_sof_smallfirst.jpg'],
  ...['vp8x_huge.webp', 'vp8x_mismatch.webp', 'vp8x_small.webp'],
].map((name) => `odd-images/${name}`)
/** Sound by their structure, but no decoder shows them: their sizes or codings lie. */
const undecodable = ['ihdr_bigger.png', 'ihdr_huge.png', 'sof_c3.jpg', 'sof_huge.jpg'].map(
  (name) => `odd-images/${name}`,
)

describe('the corpora', () => {
  test.each(refused)('%s is refused', (name) => {
    const file = new Uint8Array(readFileSync(join(fixtures, name)))
    expect(() => strip(file)).toThrow(expect.objectContaining({ code: 'unsupported_format' }))
  })

  test.each(pictures.filter((name) => !refused.includes(name)))('%s keeps its picture', async (name) => {
    const file = new Uint8Array(readFileSync(join(fixtures, name)))
    const stripped = strip(file)
    expectStable(file)
    if (undecodable.includes(name)) return
    expect((await decode(stripped)).equals(await decode(file))).toBe(true)
    const facts = await readFacts(file)
    // EXIF that tells no density hides JFIF's from libvips.
    const density = /exif\d\.jpg/.test(name) ? 72 : facts.density
    expect(await readFacts(stripped)).toEqual({ ...facts, density })
  })
})

describe('pieces', () => {
  test('are the file itself where there is nothing to strip', async () => {
    for (const format of ['png', 'jpeg', 'gif', 'webp'] as const) {
      const file = await createPicture().toFormat(format).toBuffer()
      const image = readHostedImage(file)
      expect(image.pieces).toHaveLength(1)
      expect(image.pieces[0]).toBe(file)
      expect(joinPieces(image)).toBe(file)
    }
  })

  test('are views: the picture is not copied', () => {
    const file = readOdd('exif6.jpg')
    const { pieces, size } = readHostedImage(file)
    const copied = pieces.filter(({ buffer }) => buffer !== file.buffer).reduce((sum, piece) => sum + piece.length, 0)
    expect(size - copied).toBeGreaterThan(5700)
    expect(copied).toBeLessThan(100)
  })

  test('of a file that lies within a larger buffer are the same', () => {
    const file = readOdd('exif6.webp')
    const larger = Buffer.concat([Buffer.alloc(7, 0xff), file, Buffer.alloc(7, 0xff)])
    expect(Buffer.from(strip(larger.subarray(7, -7))).equals(strip(file))).toBe(true)
  })
})
