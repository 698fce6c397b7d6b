import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import type { PngHeader } from '../../src/images/facts.ts'
import { readHeader } from '../../src/images/header.ts'
import { decodePng } from '../../workers/matte/png-decoder.ts'
import { readOdd } from '../images/odd-images.ts'
import { createChunk, createIhdr, createPng, type PngSpec, pngSignature } from '../images/png-writer.ts'

const decode = (bytes: Uint8Array) => decodePng(bytes, readHeader(bytes, 'png') as PngHeader)

/** Why a file is refused; anything but an ApiError is a failure of the test. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const error = await decode(bytes).then(
    () => 'decoded',
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ApiError)) throw error
  return `${error.code}: ${error.message}`
}

/** RGBA of a file as sharp decodes it. */
const readTruth = (bytes: Uint8Array) => sharp(bytes).toColourspace('srgb').ensureAlpha().raw().toBuffer()

async function expectTruth(bytes: Uint8Array): Promise<void> {
  const { pixels } = await decode(bytes)
  expect(Buffer.compare(pixels, await readTruth(bytes))).toBe(0)
}

/** Bytes that look random and are the same each time. */
const scramble = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * i * 31 + i * 7 + (i >> 3)) & 255)

/** Rows of scrambled samples, each under the filter type that `pick` names. */
function createRows({ width, height, bitDepth, colourType }: PngSpec, pick: (y: number) => number): Uint8Array {
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[colourType] ?? 1
  const rowBytes = Math.ceil((width * channels * bitDepth) / 8)
  const rows = scramble(height * (rowBytes + 1))
  for (let y = 0; y < height; y += 1) rows[y * (rowBytes + 1)] = pick(y)
  return rows
}

describe('pixels are those that sharp reads', () => {
  test.each(['base', 'palette', 'palette_trns', 'gray1', 'gray8', 'graya8', 'rgba8', 'exif6', 'png_zip'])(
    '%s.png',
    async (name) => expectTruth(readOdd(`${name}.png`)),
  )

  const depths: readonly (readonly [number, number])[] = [
    [0, 1],
    [0, 2],
    [0, 4],
    [0, 8],
    [2, 8],
    [3, 1],
    [3, 2],
    [3, 4],
    [3, 8],
    [4, 8],
    [6, 8],
  ]
  describe.each(depths)('colour type %d, %d bits', (colourType, bitDepth) => {
    const palette = createChunk('PLTE', scramble(3 * (1 << bitDepth)))
    const before = colourType === 3 ? [palette] : []
    const spec = { height: 23, bitDepth, colourType }

    test.each([1, 2, 3, 5, 8, 61])('%d px wide, every filter type', async (width) => {
      await expectTruth(
        createPng(
          { ...spec, width },
          createRows({ ...spec, width }, (y) => y % 5),
          before,
        ),
      )
    })

    if (colourType > 3) return
    test('with tRNS', async () => {
      const width = 61
      const rows = createRows({ ...spec, width }, () => 0)
      // The transparent colour is that of the first pixel, whose samples follow the first filter byte.
      const first = colourType === 0 && bitDepth < 8 ? (rows[1] ?? 0) >> (8 - bitDepth) : (rows[1] ?? 0)
      const key = { 0: [0, first], 2: [0, first, 0, rows[2] ?? 0, 0, rows[3] ?? 0], 3: [0, 100] }[colourType] ?? []
      const bytes = createPng({ ...spec, width }, rows, [...before, createChunk('tRNS', Uint8Array.from(key))])
      await expectTruth(bytes)
      const { pixels, hasAlpha } = await decode(bytes)
      expect(hasAlpha).toBe(true)
      expect(pixels.some((value, i) => i % 4 === 3 && value < 255)).toBe(true)
    })
  })

  test.each([2, 4, 16, 200])('palettes as sharp writes them, %d colours', async (colours) => {
    await expectTruth(await sharp(readOdd('base.png')).png({ palette: true, colours }).toBuffer())
  })

  test('data in many small chunks', async () => {
    const spec = { width: 61, height: 23, bitDepth: 8, colourType: 2 }
    const data = deflateSync(createRows(spec, (y) => y % 5))
    const chunks = Array.from(data, (byte) => createChunk('IDAT', Uint8Array.of(byte)))
    const bytes = Buffer.concat([pngSignature, createIhdr(spec), ...chunks, createChunk('IDAT'), createChunk('IEND')])
    await expectTruth(new Uint8Array(bytes))
  })
})

describe('16 bits a sample', () => {
  const wide = [
    [0, 1],
    [2, 3],
    [4, 2],
    [6, 4],
  ] as const
  test.each(wide)('colour type %d: the nearest of 8 bits', async (colourType, channels) => {
    const spec = { width: 61, height: 23, bitDepth: 16, colourType }
    const rows = createRows(spec, () => 0)
    const { pixels } = await decode(createPng(spec, rows))
    const rowBytes = 1 + spec.width * channels * 2
    const hasAlpha = channels % 2 === 0
    for (let y = 0; y < spec.height; y += 1) {
      for (let x = 0; x < spec.width; x += 1) {
        for (let c = 0; c < channels; c += 1) {
          const at = y * rowBytes + 1 + (x * channels + c) * 2
          const sample = rows[at]! * 256 + rows[at + 1]!
          const target = (y * spec.width + x) * 4 + (hasAlpha && c === channels - 1 ? 3 : c)
          expect(pixels[target]).toBe(Math.round((sample * 255) / 65535))
        }
      }
    }
  })

  test.each([0, 2, 4, 6])('colour type %d, every filter type: within 1 of what sharp reads', async (colourType) => {
    const spec = { width: 61, height: 23, bitDepth: 16, colourType }
    const bytes = createPng(
      spec,
      createRows(spec, (y) => y % 5),
    )
    const [{ pixels }, truth] = [await decode(bytes), await readTruth(bytes)]
    expect(pixels.length).toBe(truth.length)
    for (const [i, value] of truth.entries()) expect(Math.abs(pixels[i]! - value)).toBeLessThanOrEqual(1)
  })

  test('grey with tRNS whose bits above the depth mean nothing', async () => {
    const spec = { width: 2, height: 1, bitDepth: 8, colourType: 0 }
    const file = createPng(spec, Uint8Array.of(0, 7, 8), [createChunk('tRNS', Uint8Array.of(0xff, 7))])
    expect([...(await decode(file)).pixels]).toEqual([7, 7, 7, 0, 8, 8, 8, 255])
  })

  test('with tRNS, compared at all 16 bits', async () => {
    const spec = { width: 2, height: 1, bitDepth: 16, colourType: 2 }
    const pixel = [1, 2, 3, 4, 5, 6]
    const almost = [1, 2, 3, 4, 5, 7]
    const rows = Uint8Array.from([0, ...pixel, ...almost])
    const bytes = createPng(spec, rows, [createChunk('tRNS', Uint8Array.from(pixel))])
    const { pixels, hasAlpha } = await decode(bytes)
    expect([hasAlpha, pixels[3], pixels[7]]).toEqual([true, 0, 255])
  })
})

describe('interlaced', () => {
  const sizes = Array.from({ length: 10 }, (_, i) => i + 1).flatMap((w) =>
    [1, 2, 3, 5, 8, 9].map((h) => [w, h] as const),
  )
  test.each(sizes)('%d x %d, as sharp writes it', async (width, height) => {
    const picture = sharp(readOdd('rgba8.png')).resize({ width, height, fit: 'fill' })
    await expectTruth(new Uint8Array(await picture.png({ progressive: true }).toBuffer()))
  })

  test.each(['palette', 'gray8', 'rgb16', 'base'])('%s.png', async (name) => {
    const plain = await decode(readOdd(`${name}.png`))
    const laced = await sharp(readOdd(`${name}.png`))
      .png({ progressive: true, palette: name === 'palette' })
      .toBuffer()
    if (name === 'base') expect(Buffer.compare((await decode(new Uint8Array(laced))).pixels, plain.pixels)).toBe(0)
    else
      await expectTruth(new Uint8Array(await sharp(laced).toColourspace('srgb').png({ progressive: true }).toBuffer()))
  })

  test('cut off anywhere is invalid_image', async () => {
    const bytes = new Uint8Array(await sharp(readOdd('base.png')).png({ progressive: true }).toBuffer())
    for (let length = 60; length < bytes.length - 12; length += 997) {
      expect(await refusal(bytes.subarray(0, length))).toMatch(/^invalid_image: /)
    }
  })
})

describe('what is broken is invalid_image', () => {
  const sound = readOdd('base.png')
  const spec = { width: 8, height: 8, bitDepth: 8, colourType: 0 }

  test('cut off anywhere', async () => {
    for (let length = 40; length < sound.length; length += 97) {
      expect(await refusal(sound.subarray(0, length))).toMatch(/^invalid_image: The image is a truncated PNG/)
    }
    expect(await refusal(sound.subarray(0, sound.length - 1))).toMatch(/truncated/)
    expect(await refusal(sound.subarray(0, sound.length - 12))).toMatch(/truncated/)
  })
  test('trunc.png', async () => expect(await refusal(readOdd('trunc.png'))).toMatch(/truncated PNG/))
  test('idat_corrupt.png', async () => expect(await refusal(readOdd('idat_corrupt.png'))).toMatch(/checksum of IDAT/))
  test('ihdr_badcrc.png', async () => expect(await refusal(readOdd('ihdr_badcrc.png'))).toMatch(/checksum of IHDR/))
  test('ihdr_bigger.png', async () => expect(await refusal(readOdd('ihdr_bigger.png'))).toMatch(/fewer rows|truncated/))
  test('an unknown filter type', async () => {
    expect(await refusal(createPng(spec, new Uint8Array(72).fill(5)))).toMatch(/filter type 5 in row 0/)
  })
  test('no palette', async () => {
    expect(await refusal(createPng({ ...spec, colourType: 3 }, new Uint8Array(72)))).toMatch(/no palette/)
  })
  test('no data', async () => {
    const bytes = Buffer.concat([pngSignature, createIhdr(spec), createChunk('IEND')])
    expect(await refusal(new Uint8Array(bytes))).toMatch(/^invalid_image/)
  })
  test('data that is not deflated, under a right checksum', async () => {
    const data = createChunk('IDAT', scramble(500))
    const bytes = Buffer.concat([pngSignature, createIhdr(spec), data, createChunk('IEND')])
    expect(await refusal(new Uint8Array(bytes))).toMatch(/^invalid_image/)
  })
  test('damage to chunks that make no pixels does no harm', async () => {
    const text = createChunk('tEXt', Buffer.from('Comment\0hello'))
    text[text.length - 1]! ^= 1
    await expect(decode(createPng(spec, new Uint8Array(72), [text]))).resolves.toHaveProperty('width', 8)
  })
})

test('data behind the last row is not unfolded: a bomb costs what its header says', async () => {
  const spec = { width: 64, height: 64, bitDepth: 8, colourType: 0 }
  const bytes = createPng(spec, new Uint8Array(256 << 20))
  const before = process.memoryUsage().arrayBuffers
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers)
  }, 1)
  await decode(bytes)
  clearInterval(timer)
  expect(Math.max(peak, process.memoryUsage().arrayBuffers) - before).toBeLessThan(8 << 20)
})
