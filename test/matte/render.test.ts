import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import {
  defaultMatteOptions,
  type MatteOptions,
  measureMargin,
  readColour,
  readMargin,
} from '../../src/matte/options.ts'
import { orient, type Picture } from '../../workers/matte/picture.ts'
import { encodePng } from '../../workers/matte/png-encoder.ts'
import { chooseFrame, render } from '../../workers/matte/render.ts'
import { readAll } from './streams.ts'

const plain: MatteOptions = { ...defaultMatteOptions, refine: 'none' }
const [width, height] = [6, 4]

/** A cut-out whose every pixel is its own, transparent in the first column, upright or turned by an EXIF orientation. */
function createPicture(orientation: 1 | 6 = 1): Picture {
  const pixels = new Uint8Array(width * height * 4)
  for (let i = 0; i < width * height; i += 1) {
    const [x, y] = [i % width, Math.floor(i / width)]
    if (x > 0) pixels.set([i * 10, 255 - i * 10, i, 40 * x + y], i * 4)
  }
  return orient({ pixels, width, height, hasAlpha: false }, orientation)
}

/** What the options make of the picture, as a PNG that sharp has read. */
async function draw(
  options: Partial<MatteOptions>,
  bbox: readonly [number, number, number, number] = [0, 0, 0, 0],
  picture = createPicture(),
) {
  const all = { ...plain, ...options }
  const frame = chooseFrame(picture, bbox, all)
  const { kind, draw: drawRow } = render(picture, frame, all)
  const file = await readAll(encodePng({ ...frame, kind }, drawRow, () => {}))
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true })
  return { data, info, file }
}

describe('output=mask', () => {
  it('is the alpha, as an 8-bit grey PNG', async () => {
    const { data, file } = await draw({ output: 'mask' })
    // Bit depth and colour type in IHDR.
    expect([file[24], file[25]]).toEqual([8, 0])
    const grey = await sharp(file).extractChannel(0).raw().toBuffer()
    expect([...grey.subarray(width, 2 * width)]).toEqual([0, 41, 81, 121, 161, 201])
    expect(data.length).toBeGreaterThanOrEqual(width * height)
  })
})

describe('bg', () => {
  it('flattens onto that colour to the nearest value, and is opaque', async () => {
    const { data, info } = await draw({ bg: '00ff80' })
    expect(info.channels).toBe(3)
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const i = y * width + x
        const alpha = x === 0 ? 0 : (40 * x + y) / 255
        const flat = [i * 10, 255 - i * 10, i].map((value, c) =>
          Math.round([0, 255, 128][c]! * (1 - alpha) + value * alpha),
        )
        for (let c = 0; c < 3; c += 1) expect(Math.abs(data[i * 3 + c]! - flat[c]!)).toBeLessThanOrEqual(1)
        if (x === 0) expect([...data.subarray(i * 3, i * 3 + 3)]).toEqual([0, 255, 128])
      }
    }
  })
})

describe('crop', () => {
  it('cuts to the foreground’s box, and keeps each pixel where it was in it', async () => {
    const [whole, part] = [await draw({}), await draw({ crop: 'true' }, [2, 1, 3, 2])]
    expect([part.info.width, part.info.height]).toEqual([3, 2])
    const row = (y: number) => [...whole.data.subarray((y * width + 2) * 4, (y * width + 5) * 4)]
    expect([...part.data]).toEqual([...row(1), ...row(2)])
  })

  it('cuts a turned picture where it is seen', async () => {
    const [whole, part] = [
      await draw({}, [0, 0, 0, 0], createPicture(6)),
      await draw({ crop: 'true' }, [1, 2, 2, 3], createPicture(6)),
    ]
    expect([whole.info.width, whole.info.height, part.info.width, part.info.height]).toEqual([4, 6, 2, 3])
    expect([...part.data.subarray(0, 8)]).toEqual([...whole.data.subarray((2 * 4 + 1) * 4, (2 * 4 + 3) * 4)])
  })

  it.each([
    ['1px', [2, 1, 2, 1], { left: 1, top: 0, width: 4, height: 3 }],
    ['100%', [2, 1, 2, 1], { left: 0, top: 0, width: 6, height: 4 }],
    ['50%', [3, 2, 2, 1], { left: 2, top: 1, width: 4, height: 3 }],
    ['99999px', [2, 1, 1, 1], { left: 0, top: 0, width: 6, height: 4 }],
  ] as const)('leaves a margin of %s, within the picture', (margin, bbox, frame) => {
    expect(chooseFrame(createPicture(), bbox, { ...plain, crop: 'true', margin })).toEqual(frame)
  })

  it('leaves a picture without foreground whole', () => {
    const frame = chooseFrame(createPicture(), [0, 0, 0, 0], { ...plain, crop: 'true' })
    expect(frame).toEqual({ left: 0, top: 0, width, height })
  })
})

describe('the words of options', () => {
  it.each([
    ['20px', 20],
    ['20', 20],
    ['5%', 10],
    ['2.5%', 5],
    ['0px', 0],
  ])('a margin of %s around a box 200 pixels long is %d', (text, pixels) => {
    expect(measureMargin(text, 200)).toBe(pixels)
  })
  it.each(['-1px', '5em', '', 'px', '1e3', '5 %', '123456px'])('a margin of "%s" is none', (text) => {
    expect(readMargin(text)).toBeNull()
  })
  it('a colour is three bytes', () => {
    expect([readColour('00ff80'), readColour('')]).toEqual([[0, 255, 128], null])
  })
})
