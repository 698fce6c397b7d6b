import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { type Bundle, bundleWorker } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

let bundle: Bundle
let workerd: Workerd
beforeAll(async () => {
  bundle = bundleWorker('test/isolate/workers/preview.toml')
  workerd = await startWorkerd(bundle)
}, 60_000)
afterAll(() => workerd?.stop())

type Query = Readonly<Record<string, string | number>>

const ask = (query: Query, { url } = workerd): Promise<Response> =>
  fetch(`${url}?${new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))}`)

const readBytes = async (answer: Response): Promise<Uint8Array> => new Uint8Array(await answer.arrayBuffer())

const small = { prompt: 'a red fox in the snow', width: 320, height: 180 }

describe('the preview Worker', () => {
  it('paints a PNG of the size asked for, the same each time', async () => {
    const answer = await ask(small)
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'image/png'])
    const bytes = await readBytes(answer)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 320, height: 180, hasAlpha: false })
    expect(await readBytes(await ask(small))).toEqual(bytes)
    expect(await readBytes(await ask({ ...small, prompt: 'a blue fox in the snow' }))).not.toEqual(bytes)
  })

  it('makes a WebM, the same each time', async () => {
    const answer = await ask({ ...small, seconds: 1 })
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'video/webm'])
    const bytes = await readBytes(answer)
    expect(bytes.slice(0, 4)).toEqual(Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3))
    expect(await readBytes(await ask({ ...small, seconds: 1 }))).toEqual(bytes)
  })

  it.each<[string, Query]>([
    ['a picture of more pixels', { ...small, width: 4501, height: 4000 }],
    ['a longer picture', { ...small, width: 8193, height: 1 }],
    ['a picture of no size', { ...small, width: 0 }],
    ['a picture of half a pixel', { ...small, width: 20.5 }],
    ['a video of more pixels', { ...small, width: 1282, height: 720, seconds: 1 }],
    ['a video with an odd side', { ...small, width: 321, seconds: 1 }],
    ['a longer video', { ...small, seconds: 9 }],
    ['a video of no time', { ...small, seconds: 0 }],
  ])('refuses %s than there may be', async (_, query) => {
    const answer = await ask(query)
    expect([answer.status, await answer.json()]).toEqual([400, { ok: false, code: 'too_large' }])
  })

  it('works on one at a time: eight wait, and the others are told when to come back', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => ask({ ...small, seconds: 1 })))
    const refused = all.filter(({ status }) => status !== 200)
    expect(all.length - refused.length).toBeGreaterThanOrEqual(9)
    expect(refused.length).toBeGreaterThan(0)
    for (const answer of refused) expect(await answer.json()).toEqual({ ok: false, code: 'busy', retryAfter: 5 })
  })

  it('is not held up by a reader who is gone', async () => {
    const gone = new AbortController()
    const query = new URLSearchParams({ ...small, width: '4096', height: '4096' } as never)
    const answer = await fetch(`${workerd.url}?${query}`, { signal: gone.signal })
    await answer.body?.getReader().read()
    gone.abort()
    expect((await ask(small)).status).toBe(200)
  })
})

/** Each in an isolate of its own, which has 128 MB: the process also holds what lies between two Workers. */
test.runIf(process.platform === 'linux').each<[string, Query, most: number]>([
  ['a picture in 1k', { width: 1024, height: 1024 }, 40],
  ['a picture in 4k', { width: 4096, height: 4096 }, 40],
  ['a wide picture in 4k', { width: 5504, height: 3072 }, 40],
  ['a video', { width: 1280, height: 720, seconds: 4 }, 70],
])('%s fits', async (what, query, most) => {
  const fresh = await startWorkerd(bundle)
  try {
    const before = fresh.readMemory().now
    for (const prompt of ['a red fox in the snow', 'the sea at night']) {
      fresh.forgetPeak()
      const [started, cpu] = [performance.now(), fresh.readCpu()]
      const answer = await ask({ ...query, prompt }, fresh)
      expect(answer.status).toBe(200)
      const { length } = await readBytes(answer)
      const used = fresh.readMemory().peak - before
      const seconds = [(performance.now() - started) / 1000, fresh.readCpu() - cpu].map((value) => value.toFixed(1))
      const facts = [`${seconds[0]} s`, `${seconds[1]} s of CPU`, `${used.toFixed(0)} MiB`]
      console.log(`${what}, ${prompt}: ${[...facts, `${(length / 1024).toFixed(0)} KiB`].join(', ')}`)
      expect(used).toBeLessThan(most)
    }
  } finally {
    await fresh.stop()
  }
})
