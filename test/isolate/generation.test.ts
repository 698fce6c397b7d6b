import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest'
import { startUpstreams, type Upstreams } from '../../workers/local/upstreams/index.ts'
import { bundleWorker } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

const MEGABYTE = 1024 * 1024
const video = new Uint8Array(40 * MEGABYTE + 1)
for (let at = 0; at < video.length; at += 1) video[at] = (Math.imul(at, 2_654_435_761) >>> 11) & 0xff
video.set(Buffer.from('\0\0\0\x18ftypmp42', 'latin1'))

let upstreams: Upstreams
let workerd: Workerd
beforeAll(async () => {
  upstreams = await startUpstreams({ video })
  workerd = await startWorkerd(bundleWorker('test/isolate/workers/generation.toml'))
}, 60_000)
afterAll(async () => {
  await workerd?.stop()
  await upstreams?.stop()
})
afterEach(() => setFaults([]))

const setFaults = (faults: unknown) =>
  fetch(`${upstreams.url}/_fault`, { method: 'POST', body: JSON.stringify(faults) })

const image = { kind: 'image', prompt: 'a cat', aspectRatio: '16:9', resolution: '2k', durationSeconds: null }
const tasks = {
  gemini: { ...image, upstreamId: 'gemini-3-pro-image' },
  seedream: { ...image, upstreamId: 'seedream-4-5-251128' },
  'openai-images': { ...image, upstreamId: 'sd-local' },
  veo: { ...image, kind: 'video', upstreamId: 'veo-3.1-fast-generate-001', resolution: '720p', durationSeconds: 8 },
} as const

interface Answer {
  state: { kind: string; [member: string]: unknown }
  outputs: { sha256: string; size: number; longest: number }[]
}

async function generate(name: keyof typeof tasks, change: object = {}, values = {}): Promise<Answer> {
  const order = { name, values: { ...upstreams.values, ...values }, task: tasks[name], ...change }
  const answer = await fetch(workerd.url, { method: 'POST', body: JSON.stringify(order) })
  expect(answer.status).toBe(200)
  return (await answer.json()) as Answer
}

describe('providers in workerd', () => {
  it.each(['gemini', 'seedream', 'openai-images'] as const)('%s makes an image', async (name) => {
    const { state, outputs } = await generate(name)
    expect([state.kind, outputs.length]).toEqual(['completed', 1])
  })

  it.each([
    ['redirect', { to: 'http://127.0.0.1:1/' }, { kind: 'failed', code: 'upstream_failed' }],
    ['hang', {}, { kind: 'unavailable', mayHaveBegun: true }],
    ['truncated', {}, { kind: 'unavailable', mayHaveBegun: true }],
    ['cut', {}, { kind: 'unavailable', mayHaveBegun: true }],
    ['rate_limited', {}, { kind: 'unavailable', retryAfterMs: 30_000 }],
    ['blocked', {}, { kind: 'failed', code: 'content_blocked' }],
  ])('%s comes to the same as on Node', async (mode, details, state) => {
    await setFaults([{ op: 'gemini', mode, ...details }])
    expect((await generate('gemini', { timeoutMs: mode === 'hang' ? 300 : 5000 })).state).toMatchObject(state)
  })

  it('an output is fetched by redirects that are looked at', async () => {
    await setFaults([{ op: 'file', mode: 'redirect', to: 'http://127.0.0.1:1/' }])
    expect((await generate('seedream')).state).toMatchObject({ kind: 'failed', code: 'upstream_failed' })
  })

  it('nobody there: unavailable; a Worker cannot know that nothing was begun', async () => {
    const { state } = await generate('gemini', {}, { GEMINI_BASE_URL: 'http://127.0.0.1:1/v1beta' })
    expect(state).toMatchObject({ kind: 'unavailable', mayHaveBegun: true })
  })
})

test.runIf(process.platform === 'linux')('a video of 40 MB in base64 within JSON fits, byte for byte', async () => {
  await generate('openai-images')
  const before = workerd.readMemory().now
  workerd.forgetPeak()
  const { state, outputs } = await generate('veo')
  const sha256 = createHash('sha256').update(video).digest('hex')
  expect([state.kind, outputs]).toEqual(['completed', [{ sha256, size: video.length, longest: expect.any(Number) }]])
  expect(outputs[0]!.longest).toBeLessThan(MEGABYTE)
  // 42 MiB were measured, most of them garbage; JSON, text and bytes of it would be 150.
  expect(workerd.readMemory().peak - before).toBeLessThan(80)
})
