import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it, test } from 'vitest'
import { maxVariantPixels, type VariantSource } from '../../src/hosting/resize.ts'
import { readHeader } from '../../src/images/header.ts'
import { oddNames, readOdd } from '../images/odd-images.ts'
import { createChunk, createPng } from '../images/png-writer.ts'
import { createPhoton, describeSource, formatOf, make } from './kit.ts'

const small = { width: 300, height: 200, orientation: 1 } as const
const undecodable = { ok: false, code: 'undecodable' }

/** A sound file with its end cut off, or with noise in the middle of its data. */
function damage(name: string, i: number): Uint8Array {
  const sound = readOdd(name)
  if (i % 2) return sound.slice(0, -40 - i)
  return sound.fill(0xff, sound.length / 2, sound.length / 2 + 60)
}

describe('a damaged picture', () => {
  it.each(['trunc.png', 'trunc.jpg', 'trunc.webp', 'idat_corrupt.png', 'vp8x_mismatch.webp'])(
    '%s is undecodable, and the next sound one is not',
    async (name) => {
      const photon = createPhoton()
      const format = formatOf(name)
      const header = readHeader(readOdd(name), format as 'png')
      const source = { ...small, ...(typeof header === 'object' && 'width' in header && header), format }
      expect(make(readOdd(name), { ...source, orientation: 1 }, {}, photon)).toEqual(undecodable)
      const sound = readOdd('base.png')
      expect(make(sound, await describeSource(sound, 'png'), {}, photon).ok).toBe(true)
    },
  )

  it('leaves nothing in photon’s memory, and 250 of them no instance that they have worn out', () => {
    const photon = createPhoton()
    const makeSound = () => make(readOdd('base.png'), { ...small, format: 'png' }, { format: 'webp' }, photon)
    expect(makeSound().ok).toBe(true)
    let [most, refused] = [photon.bytes, 0]
    const before = most
    for (let i = 0; i < 250; i += 1) {
      const name = ['base.png', 'base.gif', 'lossless.webp', 'base.jpg'][i % 4]!
      const result = make(damage(name, i), { ...small, format: formatOf(name) }, {}, photon)
      if (!result.ok) {
        expect(result).toEqual(undecodable)
        refused += 1
      }
      most = Math.max(most, photon.bytes)
    }
    expect(refused).toBeGreaterThan(150)
    // A decoder for each format has come in, and no 150 files of 100 KB.
    expect(most - before).toBeLessThan(4 << 20)
    expect(makeSound().ok).toBe(true)
  })
})

test('every odd file gives a variant or a reason, whatever its header says', async () => {
  const photon = createPhoton()
  const results: Record<string, number> = {}
  for (const name of oddNames) {
    const file = readOdd(name)
    const format = formatOf(name)
    const header = format === 'gif' ? null : readHeader(file, format)
    const size = header && typeof header === 'object' && 'width' in header ? header : small
    const result = make(file, { ...small, width: size.width, height: size.height, format }, { width: 50 }, photon)
    const key = result.ok ? 'ok' : result.code
    results[key] = (results[key] ?? 0) + 1
  }
  expect(Object.keys(results).sort()).toEqual(['ok', 'too_large', 'undecodable'])
  expect(results.ok).toBeGreaterThan(40)
  expect(photon.bytes).toBeLessThan(20 << 20)
})

describe('a source', () => {
  const draw = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#666' } })
      .png()
      .toBuffer()

  it.each([
    [2000, 2000, true],
    [2000, 2001, false],
    [4_000_000 / 100, 100, true],
    [65_536, 1, false],
  ])('of %i x %i pixels is taken: %s', async (width, height, taken) => {
    const result = make(await draw(width, height), { format: 'png', width, height, orientation: 1 }, { width: 20 })
    expect(result.ok || result).toEqual(taken || { ok: false, code: 'too_large' })
    expect(width * height <= maxVariantPixels || !taken).toBe(true)
  })

  it('of another size than its header’s is not decoded', () => {
    for (const format of ['png', 'jpeg', 'gif', 'webp'] as const) {
      const file = readOdd({ png: 'base.png', jpeg: 'base.jpg', gif: 'base.gif', webp: 'lossy.webp' }[format])
      expect(make(file, { ...small, width: 299, format })).toEqual(undecodable)
    }
  })

  it('of another format than it is called is not decoded', () => {
    expect(make(readOdd('base.png'), { ...small, format: 'gif' })).toEqual(undecodable)
  })
})

describe('a bomb', () => {
  const pixel: VariantSource = { format: 'png', width: 1, height: 1, orientation: 1 }
  const zeros = deflateSync(new Uint8Array(64 << 20))
  const hide = (type: string) => createChunk(type, Buffer.concat([Buffer.from('p\0\0'), zeros]))

  it.each(['iCCP', 'zTXt'])('of 64 MB in a PNG’s %s is not unpacked', (type) => {
    const photon = createPhoton()
    const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
    expect(make(createPng(spec, Uint8Array.of(0, 0), [hide(type)]), pixel, {}, photon).ok).toBe(true)
    expect(photon.bytes).toBeLessThan(3 << 20)
  })

  it('of a GIF’s frame beyond its screen is refused', () => {
    const file = readOdd('base.gif')
    const at = file.indexOf(0x2c, 13 + 3 * 256)
    new DataView(file.buffer).setUint16(at + 5, 65_535, true)
    const photon = createPhoton()
    expect(make(file, { ...small, format: 'gif' }, {}, photon)).toEqual(undecodable)
    expect(photon.bytes).toBe(0)
  })

  it('of a thousand scans in a JPEG is refused', async () => {
    const file = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#666' } })
      .jpeg({ progressive: true })
      .toBuffer()
    const scan = file.subarray(file.lastIndexOf(Buffer.from([0xff, 0xda])), -2)
    const bomb = Buffer.concat([file.subarray(0, -2), ...Array(1000).fill(scan), file.subarray(-2)])
    expect(make(bomb, { ...small, format: 'jpeg' })).toEqual(undecodable)
    expect(make(file, { ...small, format: 'jpeg' }).ok).toBe(true)
  })
})
