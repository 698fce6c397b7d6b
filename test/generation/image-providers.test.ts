import { describe, expect, it } from 'vitest'
import type { GenerationTask } from '../../src/generation/provider.ts'
import { chooseOpenaiSize } from '../../src/generation/providers/openai-images.ts'
import { chooseSize } from '../../src/generation/providers/seedream.ts'
import { createProvider, generate, useUpstreams } from './kit.ts'

const upstreams = useUpstreams()
const { reported, setFaults, watch } = upstreams

const task = { kind: 'image', prompt: 'a cat', aspectRatio: '16:9', resolution: '2k', durationSeconds: null } as const
const seedream: GenerationTask = { ...task, upstreamId: 'seedream-4-5-251128' }
const sd: GenerationTask = { ...task, upstreamId: 'sd-local', resolution: null, aspectRatio: '1:1' }

describe('seedream', () => {
  const run = (change: Partial<GenerationTask> = {}) =>
    generate(createProvider('seedream', upstreams.values), { ...seedream, ...change })

  it('asks for pixels, no mark, and a URL that it fetches without the key', async () => {
    const calls = await watch(() => run())
    expect(calls.map(({ op, credentials }) => [op, credentials])).toEqual([
      ['seedream', ['authorization']],
      ['file', []],
    ])
    expect(calls[0]!.body).toMatchObject({ size: '2560x1440', watermark: false, response_format: 'url' })
  })

  it.each([
    ['1:1', '2k', '2048x2048'],
    ['9:16', '2k', '1440x2560'],
    ['3:4', '4k', '3520x4694'],
    ['16:9', '1k', '1280x720'],
    ['21:9', null, '3024x1296'],
    ['7:5', '2k', null],
  ])('%s at %s is %s', (ratio, resolution, size) => {
    expect(chooseSize(ratio, resolution)).toBe(size)
  })

  it('every size that it asks 4.0 for is one that ModelArk takes', async () => {
    for (const aspectRatio of ['1:1', '4:3', '3:2', '16:9', '21:9', '9:21']) {
      for (const resolution of ['1k', '2k', '4k']) {
        const { state } = await run({ upstreamId: 'seedream-4-0-250828', aspectRatio, resolution })
        expect([aspectRatio, resolution, state.kind]).toEqual([aspectRatio, resolution, 'completed'])
      }
    }
  })

  it('an image that failed beside one that is there does not matter', async () => {
    await setFaults({ op: 'seedream', mode: 'drafts' })
    expect((await run()).state.kind).toBe('completed')
  })

  it('an image that failed alone: upstream_failed, and the same again may succeed', async () => {
    const data = [{ error: { code: 'InternalServiceError', message: 'One of the images failed.' } }]
    await setFaults({ op: 'seedream', mode: 'json', body: { data } })
    expect((await run()).state).toMatchObject({ code: 'upstream_failed', retryable: true })
  })

  it('a URL that is over: upstream_failed', async () => {
    await setFaults({ op: 'file', mode: 'expired_url' })
    expect((await run()).state).toMatchObject({ code: 'upstream_failed', retryable: true })
  })

  it('storage that fails twice is asked again; when it goes on failing the work has begun all the same', async () => {
    await setFaults({ op: 'file', mode: '500', count: 2 })
    expect((await run()).state.kind).toBe('completed')
    await setFaults({ op: 'file', mode: 'rate_limited', seconds: 60 })
    expect((await run()).state).toMatchObject({ kind: 'unavailable', retryAfterMs: 60_000, mayHaveBegun: true })
  })

  it.each(['http://169.254.169.254/latest', 'https://localhost/x', 'https://10.0.0.1/x', 'file:///etc/passwd', 'x'])(
    'goes nowhere that an answer has no business to send it: %s',
    async (url) => {
      await setFaults({ op: 'seedream', mode: 'json', body: { data: [{ url }] } })
      expect((await run()).state).toMatchObject({ code: 'upstream_failed', retryable: true })
      expect(reported.join()).not.toContain(url.length > 1 ? url : '"x"')
    },
  )
})

describe('openai-images', () => {
  const run = (change: Partial<GenerationTask> = {}) =>
    generate(createProvider('openai-images', upstreams.values), { ...sd, ...change })

  it('asks others for base64, and gpt-image for nothing, which gives nothing else', async () => {
    const calls = await watch(async () => {
      expect((await run()).state.kind).toBe('completed')
      expect((await run({ upstreamId: 'gpt-image-1' })).state.kind).toBe('completed')
    })
    const common = { prompt: 'a cat', n: 1, size: '1024x1024' }
    expect(calls.map(({ body }) => body)).toEqual([
      { model: 'sd-local', response_format: 'b64_json', ...common },
      { model: 'gpt-image-1', ...common },
    ])
  })

  it('takes a URL from a server that gives one, and fetches it without the key', async () => {
    await setFaults({ op: 'openai-images', mode: 'url' })
    const calls = await watch(async () => expect((await run()).outputs).toHaveLength(1))
    expect(calls.map(({ op, credentials }) => [op, credentials])).toEqual([
      ['openai-images', ['authorization']],
      ['file', []],
    ])
  })

  it.each([
    ['1:1', null, '1024x1024'],
    ['2:3', '1k', '1024x1536'],
    ['16:9', '2k', '3584x2048'],
    ['1:8', '1k', null],
    ['1:1', '8k', null],
  ])('%s at %s is %s', (ratio, resolution, size) => {
    expect(chooseOpenaiSize(ratio, resolution)).toBe(size)
  })
})
