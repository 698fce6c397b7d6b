import { describe, expect, it } from 'vitest'
import { defaultMatteOptions } from '../../src/matte/options.ts'
import { writeOptions } from '../../src/matte/wire.ts'
import { createApp } from '../../workers/container/app.ts'
import { readOdd } from '../images/odd-images.ts'
import { createTools, discModel } from './kit.ts'

const file = readOdd('base.png')

function create(token: string | null = null, closing = new AbortController().signal, limitMs = 60_000) {
  const { tools, left } = createTools()
  const app = createApp({ tools, token, limitMs, readModels: () => [discModel.id], closing })
  const post = (
    query = writeOptions(defaultMatteOptions),
    headers: Record<string, string> = {},
    body: Uint8Array = file,
  ) =>
    app.request(`/cut?${query}`, {
      method: 'POST',
      headers: { 'Content-Type': 'image/png', 'Content-Length': String(body.length), ...headers },
      body: Uint8Array.from(body),
    })
  return { app, post, left, tools }
}

describe('POST /cut', () => {
  it('answers the cut-out with its facts', async () => {
    const answer = await create().post()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
    expect(JSON.parse(answer.headers.get('x-cut-out-facts')!)).toMatchObject({
      width: 300,
      height: 200,
      model: 'disc-64',
    })
    expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(100)
  })

  it('answers a failure with its reason, under its own status', async () => {
    const answer = await create().post(undefined, {}, readOdd('trunc.png'))
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ ok: false, code: 'invalid_image', message: expect.any(String) })
  })

  it.each([
    ['another Content-Type', undefined, { 'Content-Type': 'image/gif' }, /Content-Type must be/],
    ['no length', undefined, { 'Content-Length': '' }, /Content-Length must be/],
    ['a length above 25 MB', undefined, { 'Content-Length': String((25 << 20) + 1) }, /Content-Length must be/],
    ['an option that is none', 'format=png', {}, /the option "output" is missing/],
  ])('refuses %s, which the gateway would never send', async (_, query, headers, message) => {
    const answer = await create().post(query, headers)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toMatch(message)
  })

  it('gives a request up that takes longer than its time, and what it held', async () => {
    const { app, left, tools } = create(null, undefined, 200)
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Uint8Array.from(file.subarray(0, -1))),
    })
    const headers = { 'Content-Type': 'image/png', 'Content-Length': String(file.length) }
    const init = { method: 'POST', headers, body, duplex: 'half' }
    const answer = await app.request(`/cut?${writeOptions(defaultMatteOptions)}`, init as RequestInit)
    expect([answer.status, left(), tools.budget.state.used]).toEqual([503, [], 0])
  })

  it('wants the token where it has one', async () => {
    const { post } = create('t'.repeat(32))
    expect((await post()).status).toBe(401)
    expect((await post(undefined, { Authorization: `Bearer ${'u'.repeat(32)}` })).status).toBe(401)
    expect((await post(undefined, { Authorization: `Bearer ${'t'.repeat(32)}` })).status).toBe(200)
  })

  it('lets nobody in when the process is about to end', async () => {
    const answer = await create(null, AbortSignal.abort()).post()
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ code: 'processor_unavailable', retryAfter: 5 })
  })
})

describe('GET /health', () => {
  it('tells models and memory, without a token', async () => {
    const answer = await create('t'.repeat(32)).app.request('/health')
    expect(await answer.json()).toEqual({
      status: 'ok',
      models: ['disc-64'],
      memory: { bytes: 1 << 30, used: 0, waiting: 0 },
    })
  })
})

it('anything else is 404', async () => expect((await create().app.request('/')).status).toBe(404))
