import sharp, { type Sharp } from 'sharp'
import { readCheckedHeader } from '../../src/images/check-image.ts'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { writeOptions } from '../../src/matte/wire.ts'
import { estimateCost } from '../../workers/container/cost.ts'
import { type OwnContainer, startOwnContainer } from '../large/own-container.ts'
import { type Bench, type Row, round } from './table.ts'

const flower = sharp('test/fixtures/photos/flower-10mp.jpg')
const sizes = [
  [4000, 3000],
  [6000, 4000],
  [10_000, 10_000],
] as const

type Format = 'jpeg' | 'png' | 'webp'
type Draw = (picture: Sharp) => Sharp

const kinds: Readonly<Record<string, readonly [Format, Draw, Partial<MatteOptions>?]>> = {
  JPEG: ['jpeg', (p) => p.jpeg()],
  'JPEG on its side': ['jpeg', (p) => p.withMetadata({ orientation: 6 }).jpeg()],
  'JPEG progressive': ['jpeg', (p) => p.jpeg({ progressive: true })],
  'JPEG progressive 4:4:4': ['jpeg', (p) => p.jpeg({ progressive: true, chromaSubsampling: '4:4:4' })],
  PNG: ['png', (p) => p.png({ palette: true, effort: 1 })],
  'PNG interlaced': ['png', (p) => p.png({ palette: true, effort: 1, progressive: true })],
  'WebP lossy': ['webp', (p) => p.webp({ effort: 0 })],
  'WebP lossless': ['webp', (p) => p.webp({ lossless: true, effort: 0 })],
  'JPEG to WebP': ['jpeg', (p) => p.jpeg(), { format: 'webp' }],
}

async function ask({ url }: OwnContainer, file: Buffer, format: Format, options: MatteOptions): Promise<number> {
  const started = performance.now()
  const headers = { 'Content-Type': `image/${format}` }
  const init = { method: 'POST', headers, body: new Uint8Array(file) }
  const answer = await fetch(`${url}/cut?${writeOptions(options)}`, init)
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`)
  for await (const _ of answer.body!) {
    // Taken in and let go, as the gateway does.
  }
  return (performance.now() - started) / 1000
}

export const container: Bench = {
  name: 'container',
  about:
    'One picture in the Container with the best model there is, warm: seconds, and by how much the process grows at its ' +
    'largest above what it has at rest with its models loaded; beside it what the picture is let in for (cost.ts).',
  async run() {
    const running = await startOwnContainer()
    const rows: Row[] = []
    try {
      for (const [width, height] of sizes) {
        for (const [kind, [format, draw, changes]] of Object.entries(kinds)) {
          const file = await draw(flower.clone().resize(width, height, { fit: 'cover' })).toBuffer()
          if (file.length > 25 << 20) continue
          // A fresh process, since what one picture left would hide what the next one takes.
          await running.restart()
          const options = { ...defaultMatteOptions, ...changes }
          const before = running.readMemory().now
          running.forgetPeak()
          const seconds = await ask(running, file, format, options)
          const header = readCheckedHeader(file, format)
          rows.push({
            megapixels: (width * height) / 1e6,
            kind,
            'body, MB': round(file.length / 2 ** 20),
            seconds: round(seconds),
            'grows by, MiB': round(running.readMemory().peak - before, 0),
            'let in for, MiB': round(estimateCost(header, file, file.length, options) / 2 ** 20, 0),
          })
        }
      }
      return rows
    } finally {
      await running.kill()
    }
  },
}
