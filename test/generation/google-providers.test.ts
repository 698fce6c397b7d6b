import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { GenerationTask } from '../../src/generation/provider.ts'
import { createProvider, createSinks, generate, useUpstreams } from './kit.ts'

const upstreams = useUpstreams()
const { reported, setFaults, watch } = upstreams

const task = { kind: 'image', prompt: 'a cat', aspectRatio: '16:9', resolution: '2k', durationSeconds: null } as const
const nano: GenerationTask = { ...task, upstreamId: 'gemini-3-pro-image' }
const veo: GenerationTask = {
  ...task,
  kind: 'video',
  upstreamId: 'veo-3.1-lite-generate-001',
  resolution: '720p',
  durationSeconds: 8,
}

describe('gemini', () => {
  const run = (change: Partial<GenerationTask> = {}) =>
    generate(createProvider('gemini', upstreams.values), { ...nano, ...change })

  it('sends the ratio as it is, the size in upper case, and the key in its header', async () => {
    const [entry] = await watch(() => run({ resolution: '4k' }))
    expect(entry).toMatchObject({
      path: '/gemini/v1beta/models/gemini-3-pro-image:generateContent',
      credentials: ['x-goog-api-key'],
      status: 200,
      body: {
        contents: [{ role: 'user', parts: [{ text: 'a cat' }] }],
        generationConfig: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '16:9', imageSize: '4K' } },
      },
    })
  })

  it('names no size where the model has no choice', async () => {
    const [entry] = await watch(() => run({ resolution: null }))
    expect(entry!.body).toMatchObject({ generationConfig: { imageConfig: { aspectRatio: '16:9' } } })
    expect(JSON.stringify(entry!.body)).not.toContain('imageSize')
  })

  it('of several drafts the last image counts that is no thought, and only that', async () => {
    await setFaults({ op: 'gemini', mode: 'drafts' })
    const { state, outputs, opened } = await run()
    expect([state.kind, outputs.length, opened.length]).toEqual(['completed', 1, 4])
    expect(await sharp(outputs[0]).metadata()).toMatchObject({ width: 128, height: 72 })
  })

  it('a thought alone is no image', async () => {
    const data = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const parts = [{ thought: true, inlineData: { mimeType: 'image/png', data: data.toString('base64') } }]
    const body = { candidates: [{ content: { parts }, finishReason: 'STOP' }] }
    await setFaults({ op: 'gemini', mode: 'json', body })
    expect((await run()).state).toMatchObject({ kind: 'failed', code: 'content_blocked' })
  })

  it('an image of a few bytes comes as well as a large one', async () => {
    const data = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    expect(data.toString('base64').length).toBeLessThan(1000)
    const parts = [{ inlineData: { mimeType: 'image/png', data: data.toString('base64') } }]
    await setFaults({ op: 'gemini', mode: 'json', body: { candidates: [{ content: { parts } }] } })
    expect((await run()).outputs).toEqual([data])
  })

  it.each(['NO_IMAGE', 'OTHER', 'IMAGE_OTHER', 'MALFORMED_RESPONSE', 'MALFORMED_FUNCTION_CALL', 'MAX_TOKENS'])(
    '%s without an image went wrong and is no refusal: it may be asked again',
    async (reason) => {
      await setFaults({ op: 'gemini', mode: 'no_image', reason })
      expect((await run()).state).toMatchObject({ kind: 'failed', code: 'upstream_failed', retryable: true })
    },
  )

  it('an image that a refusal came with is not given out', async () => {
    const data = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toBuffer()
    const parts = [{ inlineData: { mimeType: 'image/png', data: data.toString('base64') } }]
    const body = { candidates: [{ content: { parts }, finishReason: 'IMAGE_SAFETY' }] }
    await setFaults({ op: 'gemini', mode: 'json', body })
    expect((await run()).state).toMatchObject({
      code: 'content_blocked',
      message: expect.stringContaining('IMAGE_SAFETY'),
    })
  })

  it('base64 that is none: upstream_failed', async () => {
    const parts = [{ inlineData: { mimeType: 'image/png', data: '!'.repeat(3000) } }]
    await setFaults({ op: 'gemini', mode: 'json', body: { candidates: [{ content: { parts } }] } })
    expect((await run()).state).toMatchObject({ code: 'upstream_failed', retryable: true })
  })
})

describe('veo', () => {
  const provider = () => createProvider('veo', upstreams.values)

  it('starts with the task, polls by POST with its operation, and fetches one token for all of it', async () => {
    const calls = await watch(() => generate(provider(), veo))
    expect(calls.map(({ op, status }) => [op, status])).toEqual([
      ['token', 200],
      ['veo.start', 200],
      ['veo.poll', 200],
      ['veo.poll', 200],
    ])
    expect(calls[1]!.body).toEqual({
      instances: [{ prompt: 'a cat' }],
      parameters: {
        sampleCount: 1,
        durationSeconds: 8,
        aspectRatio: '16:9',
        resolution: '720p',
        generateAudio: true,
      },
    })
  })

  it('another isolate goes on polling with nothing but the operation', async () => {
    const { sinks, read } = createSinks()
    const state = await provider().start(veo, sinks)
    expect(state.kind).toBe('running')
    const { operation } = state as { operation: string }
    expect(await provider().poll!(operation, veo, sinks)).toEqual({ kind: 'running', operation, progress: null })
    expect(read(await provider().poll!(operation, veo, sinks))).toHaveLength(1)
  })

  it('a poll that fails is asked again by itself; else it is unavailable, and the next has the video', async () => {
    const { sinks } = createSinks()
    const one = provider()
    const { operation } = (await one.start(veo, sinks)) as { operation: string }
    await one.poll!(operation, veo, sinks)
    await setFaults({ op: 'veo.poll', mode: '500', count: 2 })
    expect((await one.poll!(operation, veo, sinks)).kind).toBe('completed')
    await setFaults({ op: 'veo.poll', mode: 'truncated', count: 1 })
    expect((await one.poll!(operation, veo, sinks)).kind).toBe('unavailable')
    expect((await one.poll!(operation, veo, sinks)).kind).toBe('completed')
  })

  it('a bucket of Cloud Storage is not supported: failed, and the operator reads why', async () => {
    const body = { done: true, response: { videos: [{ gcsUri: 'gs://bucket/secret-name.mp4' }] } }
    await setFaults({ op: 'veo.poll', mode: 'json', body })
    expect((await generate(provider(), veo)).state).toMatchObject({ code: 'upstream_failed', retryable: false })
    expect(reported.join()).toContain('not supported')
  })

  it.each([
    [14, true],
    [8, true],
    [13, true],
    [3, false],
    [9, false],
  ])('an operation that ended with code %s: upstream_failed, retryable %s', async (code, retryable) => {
    await setFaults({ op: 'veo.poll', mode: 'json', body: { done: true, error: { code, message: 'no' } } })
    expect((await generate(provider(), veo)).state).toMatchObject({ code: 'upstream_failed', retryable })
  })

  it('an operation that is forgotten: upstream_failed, and the same again may succeed', async () => {
    const { sinks } = createSinks()
    const state = await provider().poll!('projects/x/operations/gone', veo, sinks)
    expect(state).toMatchObject({ code: 'upstream_failed', retryable: true })
  })

  it('nobody to give a token: unavailable, nothing was begun', async () => {
    await setFaults({ op: 'token', mode: '500' })
    expect((await generate(provider(), veo)).state).toEqual({
      kind: 'unavailable',
      cause: expect.any(String),
      retryAfterMs: null,
    })
  })
})
