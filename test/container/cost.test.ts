import sharp, { type Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import { readCheckedHeader } from '../../src/images/check-image.ts'
import { estimateCost } from '../../workers/container/cost.ts'

const MiB = 2 ** 20
/** Bytes of a pixel in a raster file. */
const raster = 4
const picture = sharp({ create: { width: 2000, height: 1000, channels: 3, background: '#888' } })

/** What a picture is let in for above one whose size does not matter, in bytes for each of 100 megapixels. */
async function costOf(
  format: 'png' | 'jpeg' | 'webp',
  draw: (picture: Sharp) => Sharp,
  {
    to = 'png',
    changeHead = (head: Buffer) => head,
  }: { to?: 'png' | 'webp'; changeHead?: (head: Buffer) => Buffer } = {},
): Promise<number> {
  const file = await draw(picture.clone()).toBuffer()
  const header = { ...readCheckedHeader(file, format), width: 10_000, height: 10_000 }
  return (estimateCost(header, changeHead(file), 0, { format: to }) - 150 * MiB) / 1e8 - raster
}

describe('what a picture is let in for', () => {
  it('hardly grows with it where its rows are decoded one after the other', async () => {
    expect(await costOf('jpeg', (p) => p.jpeg())).toBeLessThan(1)
    expect(await costOf('png', (p) => p.png())).toBeLessThan(1)
  })

  it('grows where a decoder holds all of it', async () => {
    expect(await costOf('jpeg', (p) => p.jpeg({ progressive: true }))).toBeGreaterThan(6)
    expect(await costOf('png', (p) => p.png({ progressive: true }))).toBeGreaterThan(7.9)
    expect(await costOf('webp', (p) => p.webp())).toBeGreaterThan(7.9)
  })

  it('grows for a baseline JPEG whose colours come one after the other, or whose scans lie further behind', async () => {
    const sos = (head: Buffer) => head.indexOf(Buffer.from([0xff, 0xda]))
    const oneColour = (head: Buffer) => {
      const changed = Buffer.from(head)
      changed[sos(changed) + 4] = 1
      return changed
    }
    expect(await costOf('jpeg', (p) => p.jpeg(), { changeHead: oneColour })).toBeGreaterThan(6)
    expect(
      await costOf('jpeg', (p) => p.jpeg(), { changeHead: (head) => head.subarray(0, sos(head)) }),
    ).toBeGreaterThan(6)
  })

  it('holds the prefix codes that a lossless WebP may ask for, or the alpha of a lossy one', async () => {
    const plain = await costOf('webp', (p) => p.webp())
    const codes = (920 * MiB) / 1e8
    expect(await costOf('webp', (p) => p.webp({ lossless: true }))).toBeCloseTo(plain + codes)
    expect(await costOf('webp', (p) => p.ensureAlpha(0.5).webp())).toBeCloseTo(plain + codes)
  })

  it('counts a raster twice that has to be turned', async () => {
    const upright = await costOf('jpeg', (p) => p.jpeg())
    expect(await costOf('jpeg', (p) => p.withMetadata({ orientation: 6 }).jpeg())).toBeCloseTo(upright + raster)
  })

  it('is all there is for a WebP to be written above 25 megapixels, and for what nobody knows', async () => {
    expect(await costOf('jpeg', (p) => p.jpeg(), { to: 'webp' })).toBe(Infinity)
    expect(estimateCost(null, new Uint8Array(), 0, { format: 'png' })).toBe(Infinity)
  })
})
