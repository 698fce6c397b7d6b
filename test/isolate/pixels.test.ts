import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bundle, bundleWorker } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'
import { oddNames, readOdd } from '../images/odd-images.ts'
import { createChunk, createPng } from '../images/png-writer.ts'

let bundle: Bundle
let workerd: Workerd
beforeAll(async () => {
  bundle = bundleWorker('test/bench/workers/matte.toml')
  workerd = await startWorkerd(bundle)
}, 60_000)
afterAll(() => workerd?.stop())

async function cut(body: Uint8Array<ArrayBuffer>, format: string, query = ''): Promise<Response> {
  const answer = await fetch(`${workerd.url}${query}`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': `image/${format}` },
  })
  return new Response(await answer.arrayBuffer(), answer)
}

const readCodecBytes = async (): Promise<number> =>
  ((await (await fetch(workerd.url)).json()) as { codecBytes: number }).codecBytes

const draw = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#666' } })

describe('one isolate', () => {
  it('after 50 broken pictures takes a good one, and the codecs’ memory has not grown', async () => {
    const sound = {
      jpeg: readOdd('base.jpg'),
      png: readOdd('base.png'),
      webp: readOdd('lossy.webp'),
    }
    const cutSound = async () => {
      for (const [format, file] of Object.entries(sound)) expect((await cut(file, format)).status).toBe(200)
    }
    await cutSound()
    const before = await readCodecBytes()
    let refused = 0
    for (let i = 0; i < 50; i += 1) {
      const [format, file] = Object.entries(sound)[i % 3]!
      // Damaged in turn: the end cut off, or noise in the middle of the picture's data.
      const broken = i % 2 ? file.slice(0, -20 - i) : file.slice()
      if (i % 2 === 0) broken.fill(0xff, broken.length / 2, broken.length / 2 + 50)
      const { status } = await cut(broken, format)
      expect([200, 400]).toContain(status)
      refused += status === 400 ? 1 : 0
    }
    // Noise in a lossy WebP is a picture, too.
    expect(refused).toBeGreaterThan(40)
    await cutSound()
    expect(await readCodecBytes()).toBeLessThanOrEqual(before)
  })

  describe.each([
    ['', 2000, 2000],
    ['?format=webp', 1000, 1000],
  ])('asked %j', (query, width, limit) => {
    it.each(['jpeg', 'png', 'webp'] as const)('takes a %s below and at the limit, and none above', async (format) => {
      const statuses = []
      for (const height of [limit - 1, limit, limit + 1]) {
        const file = new Uint8Array(await draw(width, height).toFormat(format, { effort: 1 }).toBuffer())
        const answer = await cut(file, format, query)
        statuses.push(answer.status)
        if (answer.status === 400)
          expect(await answer.json()).toMatchObject({ message: expect.stringMatching(/at most/) })
      }
      expect(statuses).toEqual([200, 200, 400])
    })
  })

  /** Numbers below `limit`, the same in every run (mulberry32). */
  function createRandom(seed: number): (limit: number) => number {
    let state = seed
    return (limit) => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) % limit
    }
  }

  const layouts = [
    [0, 1, 1],
    [0, 2, 1],
    [0, 4, 1],
    [0, 8, 1],
    [0, 16, 1],
    [2, 8, 3],
    [2, 16, 3],
    [3, 1, 1],
    [3, 4, 1],
    [3, 8, 1],
    [4, 8, 2],
    [4, 16, 2],
    [6, 8, 4],
    [6, 16, 4],
  ] as const

  /** A PNG whose header is valid; its size is any, its rows are noise, of its header's size or not. */
  function createRandomPng(random: (limit: number) => number): Uint8Array<ArrayBuffer> {
    const [colourType, bitDepth, channels] = layouts[random(layouts.length)]!
    const side = () => 1 + random([10_000, 2 ** 31 - 1][random(16)] ?? 40)
    const [width, height] = [side(), side()]
    const bytes = (Math.ceil((width * bitDepth * channels) / 8) + 1) * height
    const rows = new Uint8Array(Math.min(20_000, bytes) + random(3)).map(() => random(256))
    const rowLength = bytes / height
    // Most rows get a filter that exists.
    for (let at = 0; at < rows.length && random(50) > 0; at += rowLength) rows[at] = random(5)
    const before = [createChunk('PLTE', new Uint8Array(random(40) * 3)), createChunk('tRNS', new Uint8Array(random(7)))]
    return createPng({ width, height, bitDepth, colourType, interlace: random(2) }, rows, before.slice(random(3)))
  }

  it('answers any PNG under a valid header, whole or cut short: no failure is ours', async () => {
    const random = createRandom(7)
    const statuses: Record<number, number> = {}
    for (let i = 0; i < 150; i += 1) {
      const file = createRandomPng(random)
      const answer = await cut(i % 3 ? file : file.slice(0, random(file.length)), 'png')
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
      if (answer.status !== 200) expect(await answer.json(), `file ${i}`).toMatchObject({ code: 'invalid_image' })
    }
    expect(Object.keys(statuses)).toEqual(['200', '400'])
    expect(statuses[200]).toBeGreaterThan(10)
  })

  it.each(['base.jpg', 'progressive.jpg', 'lossy.webp', 'lossless_alpha.webp', 'p3conv.jpg', 'exif6.webp'])(
    'answers %s with bytes changed or cut short: no failure is ours',
    async (name) => {
      const [random, sound] = [createRandom(name.length), readOdd(name)]
      for (let i = 0; i < 25; i += 1) {
        const file = sound.slice(0, i % 4 ? sound.length : random(sound.length))
        for (let n = random(6); n > 0; n -= 1) file[random(i % 2 ? file.length : 400)] = random(256)
        const answer = await cut(file, name.endsWith('webp') ? 'webp' : 'jpeg')
        if (answer.status !== 200) expect(await answer.json(), `file ${i}`).toMatchObject({ code: 'invalid_image' })
      }
    },
  )

  it.runIf(process.platform === 'linux')('holds one copy of the pixels: half of its memory is left', async () => {
    const picture = sharp('test/fixtures/photos/flower-10mp.jpg').resize(2000, 2000).ensureAlpha(0.9)
    const file = new Uint8Array(await picture.png({ compressionLevel: 1 }).toBuffer())
    const fresh = await startWorkerd(bundle)
    try {
      const before = fresh.readMemory().now
      fresh.forgetPeak()
      const headers = { 'Content-Type': 'image/png' }
      expect(
        (await (await fetch(fresh.url, { method: 'POST', body: file, headers })).arrayBuffer()).byteLength,
      ).toBeGreaterThan(1e5)
      expect(fresh.readMemory().peak - before).toBeLessThan(61)
    } finally {
      await fresh.stop()
    }
  })

  it('takes every odd file, or says why not: no failure is ours', async () => {
    for (const name of oddNames) {
      const format = { jpg: 'jpeg', webp: 'webp' }[name.split('.').pop() ?? ''] ?? 'png'
      const answer = await cut(readOdd(name), format)
      if (answer.status !== 200) expect(await answer.json(), name).toMatchObject({ code: 'invalid_image' })
    }
  })
})
