import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { type Bundle, bundleWorker, root } from './bundle.ts'
import { type Bench, type Row, round } from './table.ts'
import { startWorkerd } from './workerd.ts'

const megapixels = [1, 2.5, 4]
const photo = join(root, 'test/fixtures/photos/flower-10mp.jpg')

/** Noise of a picture's size: compresses worse than any photograph. */
async function drawNoise(picture: Sharp): Promise<Sharp> {
  const { info } = await picture.raw().toBuffer({ resolveWithObject: true })
  const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const
  return sharp({ create: { width: info.width, height: info.height, channels: 3, background: '#000', noise } })
}

interface Kind {
  readonly name: string
  readonly type: string
  /** Options, as a caller writes them. */
  readonly query?: string
  /** Most megapixels, where the codec's memory bounds them. */
  readonly most?: number
  create(picture: Sharp): Promise<Buffer>
}

/** Kinds of file and of what is asked for, each from a photograph of so many pixels. */
const kinds: readonly Kind[] = [
  { name: 'JPEG', type: 'image/jpeg', create: (p) => p.jpeg({ quality: 90 }).toBuffer() },
  {
    name: 'JPEG progressive 4:4:4',
    type: 'image/jpeg',
    create: (p) => p.jpeg({ quality: 90, progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
  },
  {
    name: 'JPEG progressive 4:4:4, noise',
    type: 'image/jpeg',
    create: (p) =>
      drawNoise(p).then((n) => n.jpeg({ quality: 100, progressive: true, chromaSubsampling: '4:4:4' }).toBuffer()),
  },
  { name: 'PNG RGBA', type: 'image/png', create: (p) => p.ensureAlpha(0.9).png().toBuffer() },
  { name: 'PNG palette', type: 'image/png', create: (p) => p.png({ palette: true }).toBuffer() },
  {
    name: 'PNG interlaced, noise',
    type: 'image/png',
    create: (p) => drawNoise(p).then((n) => n.png({ progressive: true }).toBuffer()),
  },
  { name: 'WebP lossy', type: 'image/webp', create: (p) => p.webp({ quality: 90, effort: 0 }).toBuffer() },
  {
    name: 'WebP lossless with alpha',
    type: 'image/webp',
    create: (p) => p.ensureAlpha(0.9).webp({ lossless: true, effort: 0 }).toBuffer(),
  },
  {
    name: 'WebP lossless, noise',
    type: 'image/webp',
    create: (p) => drawNoise(p).then((n) => n.webp({ lossless: true, effort: 0 }).toBuffer()),
  },
  {
    name: 'JPEG to WebP',
    type: 'image/jpeg',
    query: 'format=webp',
    most: 1,
    create: (p) => p.jpeg({ quality: 90 }).toBuffer(),
  },
  {
    name: 'WebP lossless, noise, to WebP',
    type: 'image/webp',
    query: 'format=webp',
    most: 1,
    create: (p) => drawNoise(p).then((n) => n.webp({ lossless: true, effort: 0 }).toBuffer()),
  },
]

function shrink(pixels: number): Sharp {
  const width = Math.round(Math.sqrt((pixels * 16) / 9))
  return sharp(photo).resize({ width, height: Math.floor(pixels / width), fit: 'fill' })
}

async function measure(bundle: Bundle, megapixel: number, kind: Kind): Promise<Row> {
  const body = await kind.create(shrink(megapixel * 1e6))
  const workerd = await startWorkerd(bundle)
  try {
    const before = workerd.readMemory().now
    workerd.forgetPeak()
    const post = async () => {
      const started = performance.now()
      const url = `${workerd.url}?limit=100000000&${kind.query ?? ''}`
      const answer = await fetch(url, { method: 'POST', body, headers: { 'Content-Type': kind.type } })
      const bytes = await answer.arrayBuffer()
      if (!answer.ok) throw new Error(new TextDecoder().decode(bytes))
      return (performance.now() - started) / 1000
    }
    const cold = await post()
    const first = workerd.readMemory().peak - before
    const warm = Math.min(await post(), await post(), await post())
    const later = workerd.readMemory().peak - before
    const { codecBytes } = (await (await fetch(workerd.url)).json()) as { codecBytes: number }
    return {
      megapixels: megapixel,
      kind: kind.name,
      'body, MB': round(body.length / 2 ** 20),
      'peak of the first, MiB': round(first),
      'peak after four, MiB': round(later),
      'codec heap, MiB': round(codecBytes / 2 ** 20),
      'first, s': round(cold, 2),
      'later, s': round(warm, 2),
    }
  } finally {
    await workerd.stop()
  }
}

export const matte: Bench = {
  name: 'matte',
  about:
    'Decode, tensor, matte and encode of one picture in an isolate of its own (raw workerd, a drawn matte instead of ' +
    'inference): rise of the peak resident memory over the idle process, JIT code and garbage included.',
  async run() {
    const bundle = bundleWorker('test/bench/workers/matte.toml')
    const rows: Row[] = []
    for (const megapixel of megapixels) {
      for (const kind of kinds.filter(({ most = 100 }) => megapixel <= most))
        rows.push(await measure(bundle, megapixel, kind))
    }
    return rows
  },
}
