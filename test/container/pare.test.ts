import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import { readCheckedHeader } from '../../src/images/check-image.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import { readSegments } from '../../src/images/jpeg-segments.ts'
import { readChunks } from '../../src/images/png-chunks.ts'
import { pare } from '../../workers/container/pare.ts'
import { createCurv, createProfile, primaries } from '../images/icc-writer.ts'
import { readOdd } from '../images/odd-images.ts'
import { createChunk } from '../images/png-writer.ts'

const pared = (file: Uint8Array, format: ImageHeader['format'], changes: Partial<ImageHeader> = {}) => {
  const copy = Uint8Array.from(file)
  return pare(copy, { ...readCheckedHeader(copy, format), ...changes } as ImageHeader)
}
const segment = (marker: number, data: Buffer): Buffer => {
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(data.length + 2, 2)
  return Buffer.concat([head, data])
}
const typesOf = (png: Uint8Array) => [...readChunks(png)].map(({ type }) => type)
const markersOf = (jpeg: Uint8Array) => [...readSegments(jpeg)].map(({ marker }) => marker)

describe('a PNG', () => {
  const png = Buffer.from(readOdd('palette_trns.png'))
  const bomb = createChunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(Buffer.alloc(1 << 20))]))
  const lut = createProfile(primaries.adobe, createCurv(2.2), { further: { A2B0: Buffer.alloc(40) } })
  const iccp = createChunk('iCCP', Buffer.concat([Buffer.from('lut\0\0'), deflateSync(lut)]))
  const insert = (...chunks: Buffer[]) => Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)])

  it('keeps what its pixels need, and nothing that unfolds', () => {
    const types = typesOf(pared(insert(bomb, bomb, bomb), 'png'))
    expect(new Set(types)).toEqual(new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']))
  })
  it('keeps a profile that libvips is to convert, and no other', () => {
    expect(typesOf(pared(insert(iccp), 'png'))).toContain('iCCP')
    expect(typesOf(pared(insert(iccp), 'png', { profile: 'srgb' }))).not.toContain('iCCP')
  })
  it('loses what is behind its end', () => {
    expect(pared(Buffer.concat([png, Buffer.alloc(1000)]), 'png').length).toBeLessThanOrEqual(png.length)
  })
})

describe('a JPEG', () => {
  const jpeg = Buffer.from(readOdd('cmyk.jpg'))
  const preview = segment(0xe1, Buffer.alloc(60_000))
  const profile = segment(0xe2, Buffer.alloc(60_000))
  const insert = (...segments: Buffer[]) => Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])

  it('loses previews, profiles and what is behind its end, and keeps how its colours are coded', () => {
    const file = pared(Buffer.concat([insert(preview, profile, preview), Buffer.alloc(5000)]), 'jpeg', {
      profile: 'none',
    })
    expect(file.length).toBeLessThanOrEqual(jpeg.length)
    expect(markersOf(file)).not.toContain(0xe1)
    expect(markersOf(file)).toContain(0xee)
  })
  it('keeps a profile that libvips is to convert', () => {
    expect(markersOf(pared(insert(profile, preview), 'jpeg', { profile: 'foreign' }))).toContain(0xe2)
  })

  const scan = segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0]))
  const repeat = (scans: number) => Buffer.concat([jpeg.subarray(0, -2), ...Array(scans).fill(scan), jpeg.subarray(-2)])
  const refusal = (scans: number, side: number) => {
    try {
      pared(repeat(scans), 'jpeg', { width: side, height: side })
      return null
    } catch (error) {
      return error instanceof ApiError ? error.message : String(error)
    }
  }
  it('may have 200 scans if it is small, and 40 if it has 100 megapixels', () => {
    expect([refusal(199, 300), refusal(200, 300)]).toEqual([null, expect.stringMatching(/too many scans/)])
    expect([refusal(39, 10_000), refusal(40, 10_000)]).toEqual([null, expect.stringMatching(/too many scans/)])
  })
  it('without an end is truncated', () => {
    expect(() => pared(jpeg.subarray(0, -2), 'jpeg')).toThrow(/truncated JPEG/)
  })
})

describe('a WebP', () => {
  it('loses what is behind its end; without an end it is truncated', () => {
    const webp = Buffer.from(readOdd('lossy.webp'))
    expect(pared(Buffer.concat([webp, Buffer.alloc(100)]), 'webp').length).toBe(webp.length)
    expect(() => pared(webp.subarray(0, -50), 'webp')).toThrow(/truncated WebP/)
  })
})
