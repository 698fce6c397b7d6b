import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { GenerationTask, UpstreamState } from '../../src/generation/provider.ts'
import { type ProviderName, type ProviderVariable, providers } from '../../src/generation/providers/index.ts'
import { findPort } from '../../workers/local/loopback.ts'
import type { Operation } from '../../workers/local/upstreams/simulator.ts'
import { createProvider, generate, hasty, useUpstreams } from './kit.ts'

const upstreams = useUpstreams()
const { reported, setFaults, watch } = upstreams

const image = { kind: 'image', prompt: 'a cat', aspectRatio: '16:9', resolution: '2k', durationSeconds: null } as const
const video = { kind: 'video', prompt: 'a cat', aspectRatio: '9:16', resolution: '720p', durationSeconds: 6 } as const

interface Case {
  readonly name: ProviderName
  readonly task: GenerationTask
  /** What is asked to begin, and what gives the output out. */
  readonly start: Operation
  readonly output: Operation
  /** Width and height of what its simulator makes of the task; null for videos. */
  readonly size: readonly [number, number] | null
  /** Refusals in this provider's own words, by operation. */
  readonly blocked: readonly {
    readonly op: Operation
    readonly mode: 'blocked' | 'no_image'
    readonly reason?: string
  }[]
  readonly wrongKey: Readonly<Record<string, string>>
}

const gemini = (reason: string) => ({ op: 'gemini', mode: 'blocked', reason }) as const

const cases: readonly Case[] = [
  {
    name: 'gemini',
    task: { ...image, upstreamId: 'gemini-3-pro-image' },
    start: 'gemini',
    output: 'gemini',
    size: [128, 72],
    blocked: [
      ...['SAFETY', 'OTHER', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT'].map(gemini),
      ...['IMAGE_RECITATION', 'RECITATION', 'SPII'].map(gemini),
      { op: 'gemini', mode: 'no_image' },
    ],
    wrongKey: { GEMINI_API_KEY: 'AIzaWrongWrongWrong' },
  },
  {
    name: 'veo',
    task: { ...video, upstreamId: 'veo-3.1-fast-generate-001' },
    start: 'veo.start',
    output: 'veo.poll',
    size: null,
    blocked: [
      { op: 'veo.start', mode: 'blocked' },
      { op: 'veo.poll', mode: 'blocked' },
      { op: 'veo.poll', mode: 'blocked', reason: 'error' },
      { op: 'veo.poll', mode: 'no_image' },
    ],
    wrongKey: { VERTEX_SERVICE_ACCOUNT: 'filled in below' },
  },
  {
    name: 'seedream',
    task: { ...image, upstreamId: 'seedream-4-5-251128' },
    start: 'seedream',
    output: 'file',
    size: [160, 90],
    blocked: [
      ...['InputTextSensitiveContentDetected', 'SensitiveContentDetected.Violence', 'InputTextRiskDetection'].map(
        (reason) => ({ op: 'seedream', mode: 'blocked', reason }) as const,
      ),
      // In a good answer, in the image's place.
      { op: 'seedream', mode: 'blocked', reason: 'OutputImageSensitiveContentDetected' },
      { op: 'seedream', mode: 'no_image' },
    ],
    wrongKey: { ARK_API_KEY: 'ark-wrong-wrong' },
  },
  {
    name: 'openai-images',
    task: { ...image, upstreamId: 'sd-local', resolution: '1k' },
    start: 'openai-images',
    output: 'openai-images',
    size: [112, 64],
    blocked: [
      { op: 'openai-images', mode: 'blocked', reason: 'content_policy_violation' },
      { op: 'openai-images', mode: 'blocked', reason: 'moderation_blocked' },
      { op: 'openai-images', mode: 'no_image' },
    ],
    wrongKey: { OPENAI_IMAGES_API_KEY: 'sk-wrong-wrong-wrong' },
  },
]

it('every provider of the table is held to this contract', () => {
  expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(providers).sort())
})

describe('configuration', () => {
  const variables = Object.assign({}, ...Object.values(providers).map((spec) => spec.variables)) as Readonly<
    Record<string, ProviderVariable>
  >

  it('what the simulators are reached by is right, and so is every fallback', () => {
    expect(Object.keys(variables).sort()).toEqual(Object.keys(upstreams.values).sort())
    for (const [name, { check, fallback }] of Object.entries(variables)) {
      expect([name, check(upstreams.values[name]!), fallback === null || check(fallback)]).toEqual([
        name,
        null,
        fallback === null || null,
      ])
    }
  })

  it.each([
    ['GEMINI_API_KEY', 'AIza123'],
    ['GEMINI_API_KEY', 'with a space in it'],
    ['ARK_BASE_URL', 'ftp://ark.example/v3'],
    ['ARK_BASE_URL', 'nonsense'],
    ['OPENAI_IMAGES_BASE_URL', 'https://key@api.example/v1'],
    ['OPENAI_IMAGES_BASE_URL', 'https://api.example/v1?key=1'],
    ['VERTEX_LOCATION', 'us-central1.evil.example/'],
    ['VERTEX_SERVICE_ACCOUNT', '{"private_key":"secret-secret"}'],
  ])('%s may not be %s, and what is said of it does not quote it', (name, value) => {
    const problem = variables[name]!.check(value)
    expect(problem).toEqual(expect.any(String))
    expect(problem).not.toContain(value)
    expect(problem).not.toContain('secret-secret')
  })

  it('what holds keys is secret', () => {
    const secret = Object.keys(variables).filter((name) => variables[name]!.isSecret)
    expect(secret).toEqual(['GEMINI_API_KEY', 'VERTEX_SERVICE_ACCOUNT', 'ARK_API_KEY', 'OPENAI_IMAGES_API_KEY'])
  })
})

describe.each(cases)('$name', ({ name, task, start, output, size, blocked, wrongKey }) => {
  const run = (options = hasty, change: Partial<GenerationTask> = {}, values = {}) =>
    generate(createProvider(name, { ...upstreams.values, ...values }, options), { ...task, ...change })
  /** How often an operation was asked for while this ran. */
  const count = async (op: Operation, work: () => Promise<unknown>) =>
    (await watch(work)).filter((entry) => entry.op === op).length
  const failed = (code: string, retryable: boolean) => ({
    kind: 'failed',
    code,
    retryable,
    message: expect.any(String),
  })
  const isPolled = start !== output && output !== 'file'

  it('makes what was asked for', async () => {
    const { first, state, outputs } = await run()
    expect([first.kind, state.kind, outputs.length]).toEqual([isPolled ? 'running' : 'completed', 'completed', 1])
    if (!size) return expect(outputs[0]!.toString('latin1', 4, 12)).toBe('ftypmp42')
    const { width, height, format } = await sharp(outputs[0]).metadata()
    expect([width, height, format]).toEqual([...size, 'jpeg'])
    expect(reported).toEqual([])
  })

  it.each(blocked)('$op $mode $reason: content_blocked, with nothing that is taken for an output', async (fault) => {
    await setFaults({ ...fault })
    const { state, outputs } = await run()
    expect([state, outputs]).toEqual([failed('content_blocked', false), []])
  })

  it('429: asks again by itself when it may soon, and then it works', async () => {
    await setFaults({ op: start, mode: 'rate_limited', seconds: 1, count: 2 })
    expect(await count(start, async () => expect((await run()).state.kind).toBe('completed'))).toBe(3)
  })

  it('429 for longer: says when to ask again, and that nothing was begun', async () => {
    await setFaults({ op: start, mode: 'rate_limited', seconds: 30 })
    const calls = await count(start, async () => {
      expect((await run()).state).toEqual({ kind: 'unavailable', cause: expect.any(String), retryAfterMs: 30_000 })
    })
    expect(calls).toBe(1)
  })

  it.each(['500', 'html', 'hang', 'truncated', 'cut'] as const)(
    'start %s: unavailable after one call, and it may have begun',
    async (mode) => {
      await setFaults({ op: start, mode, when: mode === '500' ? 'after' : 'before' })
      const calls = await count(start, async () => {
        const { state } = await run({ ...hasty, timeoutMs: mode === 'hang' ? 200 : 5_000 })
        expect(state).toEqual({
          kind: 'unavailable',
          cause: expect.any(String),
          retryAfterMs: null,
          mayHaveBegun: true,
        })
      })
      expect(calls).toBe(1)
    },
  )

  it('nobody there: unavailable, and nothing was begun', async () => {
    const nobody = `http://127.0.0.1:${await findPort({ port: 0 })}/v1`
    const bases = ['GEMINI_BASE_URL', 'VERTEX_BASE_URL', 'ARK_BASE_URL', 'OPENAI_IMAGES_BASE_URL']
    const away = Object.fromEntries(bases.map((base) => [base, nobody]))
    const { state } = await run(hasty, {}, away)
    expect(state).toEqual({ kind: 'unavailable', cause: expect.any(String), retryAfterMs: null })
  })

  it.each([start, output])('%s slow: waits for the whole answer', async (op) => {
    await setFaults({ op, mode: 'slow' })
    const { state, outputs } = await run()
    expect([state.kind, outputs.length]).toEqual(['completed', 1])
  })

  it('a page instead of the output, whatever type it says: upstream_failed, and no sink holds it', async () => {
    await setFaults({ op: output, mode: 'wrong_mime' })
    const { state, opened } = await run()
    expect([state, opened]).toEqual([failed('upstream_failed', true), []])
  })

  it('an output above the limit: upstream_failed, and the sink was given no more than that', async () => {
    await setFaults({ op: output, mode: 'huge_output', bytes: 300_000 })
    const { state, opened } = await run({ ...hasty, maxOutputBytes: 100_000 })
    expect(state).toEqual(failed('upstream_failed', false))
    const taken = opened.flatMap(({ pieces }) => pieces).reduce((sum, piece) => sum + piece.length, 0)
    expect(taken).toBeLessThanOrEqual(100_000)
  })

  it('a redirect is followed nowhere', async () => {
    await setFaults({ op: start, mode: 'redirect', to: `${upstreams.url}/files/x` })
    expect(await count('file', async () => expect((await run()).state).toEqual(failed('upstream_failed', true)))).toBe(
      0,
    )
  })

  it('keys that are wrong: upstream_failed, told to the operator and not to the caller', async () => {
    const account = JSON.parse(upstreams.values.VERTEX_SERVICE_ACCOUNT!) as Record<string, string>
    const stranger = JSON.stringify({ ...account, client_email: 'stranger@example.com' })
    const values = name === 'veo' ? { VERTEX_SERVICE_ACCOUNT: stranger } : wrongKey
    const { state } = await run(hasty, {}, values)
    expect(state).toEqual(failed('upstream_failed', true))
    expect(reported).toHaveLength(1)
    expect(reported[0]).toContain(`"provider":"${name}"`)
    expect((state as { message: string }).message).not.toMatch(/key|auth|grant|credential|account/i)
  })

  it('a model that is gone: upstream_failed, and asking again is no use', async () => {
    expect((await run(hasty, { upstreamId: 'gone-1' })).state).toEqual(failed('upstream_failed', false))
  })

  it('a ratio that it does not have: upstream_failed, and asking again is no use', async () => {
    expect((await run(hasty, { aspectRatio: '7:5' })).state).toEqual(failed('upstream_failed', false))
  })

  it('a sink that cannot store: unavailable, the work was done', async () => {
    const provider = createProvider(name, upstreams.values)
    const sinks = { open: () => Promise.reject(new Error('storage is down')) }
    let state: UpstreamState = await provider.start(task, sinks)
    for (let polls = 0; polls < 2 && state.kind === 'running'; polls += 1) {
      state = await provider.poll!(state.operation, task, sinks)
    }
    expect(state).toMatchObject({ kind: 'unavailable', mayHaveBegun: true })
    expect(reported.join()).toContain('storage is down')
  })

  it('says no secret and no URL, whatever fails and whatever the upstream quotes', async () => {
    const [variable = ''] = Object.keys(wrongKey)
    const value = upstreams.values[variable]!
    const account = name === 'veo' ? (JSON.parse(value) as Record<string, string>) : null
    const secrets = account ? account.private_key!.split('\n').filter((line) => line.length > 40) : [value]
    const quote = secrets.join(' ')
    const body = {
      error: { code: quote, status: quote, type: quote, message: `${quote} https://signed.example/x?s=1` },
    }
    const said: unknown[] = []
    for (const status of [400, 401, 404, 409, 500, 503]) {
      await setFaults(...[start, output].map((op) => ({ op, mode: 'json' as const, status, body })))
      said.push((await run()).state)
    }
    const text = JSON.stringify([said, reported])
    for (const secret of secrets) expect(text).not.toContain(secret)
    expect(text).not.toMatch(/https?:\/\/|ya29\.|127\.0\.0\.1/)
    expect(said).toHaveLength(6)
  })
})
