import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { displayP3, readProfile } from '../../src/images/icc.ts'
import { readCurve } from '../../src/images/icc-curves.ts'
import { convertToSrgb } from '../../workers/matte/colour.ts'
import { createCurv, createPara, createProfile, primaries } from '../images/icc-writer.ts'
import { createChunk, createPng } from '../images/png-writer.ts'

/** Colours all over the cube, 15 apart, and the darkest greys. */
const side = 18
const colours = Uint8Array.from({ length: side ** 3 * 3 }, (_, i) => {
  const place = Math.floor(i / 3)
  return [place % side, Math.floor(place / side) % side, Math.floor(place / side ** 2)][i % 3]! * 15
})
const greys = Uint8Array.from({ length: 256 }, (_, i) => i)

/** What Little CMS, in sharp, makes of values under a profile: RGB. */
async function convertBySharp(profile: Uint8Array, values: Uint8Array, channels: 1 | 3): Promise<Uint8Array> {
  const width = values.length / channels
  const iccp = createChunk('iCCP', Buffer.concat([Buffer.from('p\0\0'), deflateSync(profile)]))
  const spec = { width, height: 1, bitDepth: 8, colourType: channels === 1 ? 0 : 2 }
  const png = createPng(spec, Uint8Array.of(0, ...values), [iccp])
  return sharp(png).toColourspace('srgb').removeAlpha().raw().toBuffer()
}

/** What this project makes of them, and that its reader found it worth converting. */
function convert(profile: Uint8Array, values: Uint8Array, channels: 1 | 3): Uint8Array {
  const pixels = new Uint8Array((values.length / channels) * 4).fill(200)
  for (let i = 0; i < pixels.length / 4; i += 1) {
    for (let c = 0; c < 3; c += 1) pixels[i * 4 + c] = values[i * channels + (channels === 1 ? 0 : c)]!
  }
  const read = readProfile(profile)
  expect(read).toBeTypeOf('object')
  convertToSrgb(pixels, read, channels === 1)
  expect(pixels.every((value, i) => i % 4 !== 3 || value === 200)).toBe(true)
  return pixels.filter((_, i) => i % 4 !== 3)
}

const worst = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)

const table = Array.from({ length: 1024 }, (_, i) => (i / 1023) ** 1.8)

describe('colours under a profile become sRGB as Little CMS converts them', () => {
  let p3: Uint8Array
  beforeAll(async () => {
    const file = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#888' } })
      .withIccProfile('p3')
      .png()
      .toBuffer()
    p3 = (await sharp(file).metadata()).icc!
  })

  it('Display P3', async () => {
    expect(worst(convert(p3, colours, 3), await convertBySharp(p3, colours, 3))).toBeLessThanOrEqual(2)
  })

  it.each<[string, Buffer]>([
    ['Adobe RGB', createProfile(primaries.adobe, createCurv(2.19921875))],
    ['ProPhoto', createProfile(primaries.prophoto, createCurv(1.8))],
    ['sRGB’s primaries at gamma 2.2', createProfile(primaries.srgb, createCurv(2.2))],
    ['a table', createProfile(primaries.adobe, createCurv(...table))],
    ['linear light', createProfile(primaries.srgb, createCurv())],
    ['para 0', createProfile(primaries.adobe, createPara(0, 2))],
    ['para 1', createProfile(primaries.adobe, createPara(1, 2.2, 1.1, -0.1))],
    ['para 2', createProfile(primaries.adobe, createPara(2, 2.2, 0.9, 0.01, 0))],
    ['para 3', createProfile(primaries.adobe, createPara(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))],
    ['para 4', createProfile(primaries.adobe, createPara(4, 2.2, 0.95, 0.05, 0.1, 0.05, 0, 0))],
  ])('%s', async (_, profile) => {
    expect(worst(convert(profile, colours, 3), await convertBySharp(profile, colours, 3))).toBeLessThanOrEqual(2)
  })

  // Little CMS draws straight lines through the darkest greys of gamma 1, up to 10 of 255 away from the curve.
  it.each([1.4, 1.8, 2.6])('grey of gamma %d', async (gamma) => {
    const profile = createProfile(null, createCurv(gamma))
    expect(worst(convert(profile, greys, 1), await convertBySharp(profile, greys, 1))).toBeLessThanOrEqual(2)
  })

  // sharp's own has no negative numbers.
  test('the Display P3 of a cICP chunk is the one of the profile', () => {
    const [one, two] = [Uint8Array.from(colours.subarray(0, 4000)), Uint8Array.from(colours.subarray(0, 4000))]
    convertToSrgb(one, displayP3, false)
    convertToSrgb(two, readProfile(p3), false)
    expect(worst(one, two)).toBeLessThanOrEqual(3)
  })
})

describe('a curve', () => {
  it.each<[string, Buffer, number, number]>([
    ['identity', createCurv(), 0.3, 0.3],
    ['a gamma', createCurv(2), 0.5, 0.25],
    ['a table', createCurv(0, 0.5, 1, 0), 0.5, 0.75],
    ['the end of a table', createCurv(0, 0.5, 1), 1, 1],
    ['para 0', createPara(0, 3), 0.5, 0.125],
    ['para 1', createPara(1, 2, 2, -1), 0.75, 0.25],
    ['para 1, below its start', createPara(1, 2, 2, -1), 0.25, 0],
    ['para 2', createPara(2, 2, 1, -0.5, 0.25), 1, 0.5],
    ['para 2, below its start', createPara(2, 2, 1, -0.5, 0.25), 0.25, 0.25],
    ['para 3', createPara(3, 2, 1, 0, 0.5, 0.25), 0.5, 0.25],
    ['para 3, below its bend', createPara(3, 2, 1, 0, 0.5, 0.25), 0.125, 0.0625],
    ['para 4', createPara(4, 2, 1, 0, 0.5, 0.25, 0.25, 0.125), 0.5, 0.5],
    ['para 4, below its bend', createPara(4, 2, 1, 0, 0.5, 0.25, 0.25, 0.125), 0.125, 0.1875],
    ['above 1', createPara(1, 1, 2, 0), 0.75, 1],
  ])('%s', (_, bytes, value, expected) => {
    const curve = readCurve(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    expect(curve?.(value)).toBeCloseTo(expected, 3)
  })
})

describe('a profile of another kind than the picture', () => {
  it.each([
    ['grey on colours', createProfile(null, createCurv(1.8)), false],
    ['RGB on greys', createProfile(primaries.adobe, createCurv(1.8)), true],
  ])('is not looked at: %s', (_, profile, isGrey) => {
    const pixels = Uint8Array.of(10, 90, 200, 255)
    convertToSrgb(pixels, readProfile(profile), isGrey)
    expect([...pixels]).toEqual([10, 90, 200, 255])
  })
})

describe('a profile', () => {
  const curve = createCurv(2)
  it('is sRGB by its numbers', () => {
    const para = createPara(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    expect(readProfile(createProfile(primaries.srgb, para))).toBe('srgb')
    expect(readProfile(createProfile(null, para))).toBe('srgb')
  })

  it.each<[string, Uint8Array]>([
    ['without bytes', new Uint8Array()],
    ['cut short', createProfile(primaries.adobe, curve).subarray(0, -8)],
  ])('%s is none', (_, profile) => expect(readProfile(profile)).toBe('none'))

  it.each<[string, Uint8Array]>([
    ['of lookup tables', createProfile(primaries.adobe, curve, { further: { A2B0: Buffer.alloc(40) } })],
    ['to Lab', createProfile(primaries.adobe, curve, { pcs: 'Lab ' })],
    ['with a curve of an unknown kind', createProfile(primaries.adobe, createPara(5, 1))],
    ['with too few parameters', createProfile(primaries.adobe, createPara(3, 2.4, 1))],
    ['with a table that ends early', createProfile(primaries.adobe, createCurv(...table).subarray(0, 100))],
    ['with something else for a curve', createProfile(primaries.adobe, Buffer.alloc(20))],
    ['with too short a column', createProfile(primaries.adobe, curve, { further: { gXYZ: Buffer.alloc(12) } })],
  ])('%s is foreign', (_, profile) => expect(readProfile(profile)).toBe('foreign'))
})
