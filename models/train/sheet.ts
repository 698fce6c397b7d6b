import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Label } from './label.ts'

const [columns, rows, side] = [6, 4, 220]

/** Numbers from 0 to 1, the same in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const fit = { fit: 'contain', background: '#222' } as const

/** A photograph, and beside it its cut-out on green where its label was kept. */
async function draw({ sha256, photo, ...label }: Label, photos: string, cache: string): Promise<Buffer> {
  const seen = sharp(await readFile(join(photos, photo)))
    .autoOrient()
    .flatten({ background: '#fff' })
  const left = await seen
    .clone()
    .resize(side / 2, side, fit)
    .png()
    .toBuffer()
  const isKept = 'thrown' in label && label.thrown === null
  if (!isKept) return sharp(left).resize(side, side, fit).png().toBuffer()
  const matte = await sharp(await readFile(join(cache, `${sha256}.png`))).toBuffer({ resolveWithObject: true })
  const { width, height } = matte.info
  const alpha = await sharp(matte.data).extractChannel(0).raw().toBuffer()
  const cutOut = await seen
    .resize(width, height, { fit: 'fill' })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()
  const right = await sharp(cutOut)
    .flatten({ background: '#2a8' })
    .resize(side / 2, side, fit)
    .png()
    .toBuffer()
  return sharp({ create: { width: side, height: side, channels: 3, background: '#222' } })
    .composite([
      { input: left, left: 0, top: 0 },
      { input: right, left: side / 2, top: 0 },
    ])
    .png()
    .toBuffer()
}

/** Draws a random sheet of labels that were kept, or of those that were thrown away, as a PNG. */
export async function drawSheet(photos: string, cache: string, isThrown: boolean): Promise<Buffer> {
  const lines = (await readFile(join(cache, 'labels.jsonl'), 'utf8')).trim().split('\n')
  const random = createRandom(7)
  const labels = lines
    .map((line) => JSON.parse(line) as Label)
    .filter((label) => 'thrown' in label && (label.thrown !== null) === isThrown)
    .map((label) => ({ label, order: random() }))
    .sort((a, b) => a.order - b.order)
    .slice(0, columns * rows)
  const tiles = await Promise.all(labels.map(({ label }) => draw(label, photos, cache)))
  return sharp({ create: { width: columns * side, height: rows * side, channels: 3, background: '#222' } })
    .composite(tiles.map((input, i) => ({ input, left: (i % columns) * side, top: Math.floor(i / columns) * side })))
    .png()
    .toBuffer()
}
