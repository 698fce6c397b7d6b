import { readFile } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import sharp from 'sharp'
import { type Label, readLabels } from './label.ts'
import { openPhoto } from './pictures.ts'
import { shuffle } from './random.ts'

const [columns, rows, side] = [6, 5, 220]

/** Which labels a sheet shows. */
export type Which = 'kept' | 'thrown'

type Judged = Extract<Label, { thrown: unknown }>

const background = '#222'
const fit = { fit: 'contain', background } as const

const readCutOut = async (photo: Buffer, matte: string): Promise<Buffer> => {
  const { width, height } = await sharp(photo).metadata()
  const alpha = await sharp(matte).extractChannel(0).raw().toBuffer()
  const joined = sharp(photo).joinChannel(alpha, { raw: { width, height, channels: 1 } })
  return sharp(await joined.png().toBuffer())
    .flatten({ background: '#2a8' })
    .resize(side / 2, side, fit)
    .png()
    .toBuffer()
}

/** A photograph; beside it its cut-out on green, or why it has none. */
async function draw({ photo, thrown }: Judged, photos: string, cache: string): Promise<Buffer> {
  const pair = join(cache, 'pairs', basename(dirname(photo)), basename(photo, extname(photo)))
  const file = await readFile(thrown === null ? `${pair}.jpg` : join(photos, photo))
  const left = await openPhoto(file)
    .resize(side / 2, side, fit)
    .png()
    .toBuffer()
  const words = (thrown ?? '').split(' ').map((word, i) => `<text x="6" y="${80 + i * 16}">${word}</text>`)
  const reason = `<svg width="${side / 2}" height="${side}"><g font-size="13" fill="#fff">${words.join('')}</g></svg>`
  const right = thrown === null ? await readCutOut(file, `${pair}.png`) : Buffer.from(reason)
  return sharp({ create: { width: side, height: side, channels: 3, background } })
    .composite([
      { input: left, left: 0, top: 0 },
      { input: right, left: side / 2, top: 0 },
    ])
    .png()
    .toBuffer()
}

/** Draws a sheet of pairs, or of photographs that were thrown away, as a PNG; another seed draws others. */
export async function drawSheet(photos: string, cache: string, which: Which, seed: number): Promise<Buffer> {
  const labels = (await readLabels(cache))
    .filter((label): label is Judged => 'thrown' in label)
    .filter(({ kept, thrown }) =>
      which === 'kept' ? kept === 'pair' : thrown !== null && thrown !== 'a subject is seen',
    )
  const some = shuffle(labels, seed).slice(0, columns * rows)
  const tiles = await Promise.all(some.map((label) => draw(label, photos, cache)))
  return sharp({ create: { width: columns * side, height: rows * side, channels: 3, background } })
    .composite(tiles.map((input, i) => ({ input, left: (i % columns) * side, top: Math.floor(i / columns) * side })))
    .png()
    .toBuffer()
}
