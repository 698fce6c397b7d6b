import { Challenge } from 'mppx'
import { parseUnits } from 'viem'
import { describe, expect, it } from 'vitest'
import { defaultMatteModel } from '../../models/index.ts'
import { createDocs } from '../../src/docs/index.ts'
import { errorsOf, showPath } from '../../src/docs/openapi.ts'
import { endpoints } from '../../src/endpoints/index.ts'
import { errors } from '../../src/errors.ts'
import type { Trial } from '../../src/matte/trial.ts'
import { createCaller, createPayer, decode, photo, post, sign, stack, v2 } from './kit.ts'
import { createNoise, FREE, type Hosted, readHosted, upload } from './kit-hosting.ts'

const all = [...endpoints, ...createDocs(endpoints)]
const prices: Readonly<Record<string, string>> = {
  '/v1/remove-background': '0.05',
  '/api/upload': '0.01',
  '/api/upload/token': '0.01',
  '/v1/images/generate': '0.05',
  '/v1/videos/generate': '0.25',
}

/** How a call is made that wants more than its path. */
const examples: Readonly<Record<string, () => Promise<Response>>> = {
  'POST /api/free': async () => upload(FREE, await createNoise()),
  'GET /v1/generations/:id': async () => get(`/v1/generations/${(await generate()).id}`),
  'GET /i/:name': async () => get(`/i${new URL((await host()).url).pathname}`),
  'GET /api/files/:id': async () => manage(await host(), 'GET'),
  'DELETE /api/files/:id': async () => manage(await host(), 'DELETE'),
}
/** A job that is paid for. */
async function generate(): Promise<{ id: string }> {
  const body = JSON.stringify({ model: 'nano-banana-2', prompt: 'a lamp' })
  const headers = { 'Content-Type': 'application/json', ...createCaller(), ...v2(await sign(await createPayer())) }
  return (await (await get('/v1/images/generate', { method: 'POST', headers, body })).json()) as { id: string }
}
const host = async () => readHosted(await upload(FREE, await createNoise()))
const manage = ({ id, deleteToken }: Hosted, method: string) =>
  get(`/api/files/${id}`, { method, headers: { Authorization: `Bearer ${deleteToken}` } })
/** What the operator's calls want in their query. */
const queries: Readonly<Record<string, string>> = { '/admin/takedown': `?target=${'0'.repeat(64)}` }

const get = (path: string, init?: RequestInit) => fetch(stack.gateway + path, init)
interface Operation {
  operationId: string
  summary: string
  responses: Record<string, { description: string }>
  'x-payment-info'?: object
  security: object[]
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
}

describe.each(all.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
  '%s',
  (_, endpoint) => {
    const readOperation = async () => {
      const { paths } = (await (await get('/openapi.json')).json()) as Document
      return paths[showPath(endpoint)]![endpoint.method.toLowerCase()]!
    }

    it('stands in the OpenAPI document with every error it may answer', async () => {
      const operation = await readOperation()
      expect(operation).toMatchObject({ operationId: endpoint.name, summary: endpoint.summary })
      for (const code of errorsOf(endpoint))
        expect(operation.responses[errors[code].status]!.description).toContain(code)
    })

    it('says whose token it wants', async () => {
      const { security } = await readOperation()
      const { isOperators, isUploaders } = endpoint
      const scheme = isOperators ? 'operator' : isUploaders && 'uploader'
      const isOpenToo = typeof isOperators === 'object'
      expect(security).toEqual(scheme ? [...(isOpenToo ? [{}] : []), { [scheme]: [] }] : [])
    })

    it('row 31: says what it costs wherever prices are said, and asks for the same in every protocol', async () => {
      const operation = await readOperation()
      const page = await (await get('/llms.txt')).text()
      const [, section] = page.split(`## ${endpoint.method} ${showPath(endpoint)}\n`)
      if (!endpoint.sale) {
        expect(operation['x-payment-info']).toBeUndefined()
        const isHidden = endpoint.isOperators === true
        expect(isHidden ? section : section?.split('\n')[0]).toEqual(
          isHidden ? undefined : expect.stringContaining('Free.'),
        )
        return
      }
      const info = operation['x-payment-info'] as { price: { amount: string } }
      const units = String(parseUnits(info.price.amount, 6))
      expect(info).toEqual({
        price: { mode: 'fixed', currency: 'USD', amount: prices[endpoint.path] },
        offers: [
          {
            intent: 'charge',
            method: 'tempo',
            amount: units,
            currency: '0x20c0000000000000000000000000000000000000',
            description: 'pathUSD on Tempo',
          },
        ],
        protocols: [
          { x402: {} },
          { mpp: { method: 'tempo', intent: 'charge', currency: '0x20c0000000000000000000000000000000000000' } },
        ],
      })
      expect(operation.responses).toHaveProperty('402')
      expect(section?.split('\n')[0]).toContain(`Price: $${info.price.amount} a call.`)
      const asked = await get(endpoint.path, { method: endpoint.method })
      const v2 = decode<{ accepts: { amount: string }[] }>(asked.headers.get('payment-required'))
      const v1 = (await asked.clone().json()) as { accepts: { maxAmountRequired: string }[] }
      const mpp = Challenge.fromResponse(asked)
      expect(v2.accepts.map(({ amount }) => amount)).toEqual([units])
      expect(v1.accepts.map(({ maxAmountRequired }) => maxAmountRequired)).toEqual([units])
      expect(mpp.request.amount).toBe(units)
    })

    it('answers 405 with Allow to another method', async () => {
      const answer = await get(endpoint.path, { method: 'PUT', body: 'x' })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toContain(endpoint.method)
      expect(await answer.json()).toMatchObject({ error: 'method_not_allowed' })
    })

    it('lets browsers in', async () => {
      const answer = await get(endpoint.path, {
        method: 'OPTIONS',
        headers: { Origin: 'https://a.example', 'Access-Control-Request-Method': endpoint.method },
      })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      const names = (header: string) => answer.headers.get(header)?.toLowerCase().split(',')
      expect(names('access-control-allow-methods')).toEqual(['get', 'head', 'post', 'delete', 'options'])
      expect(names('access-control-allow-headers')).toEqual([
        ...['content-type', 'authorization', 'payment-signature', 'x-payment', 'x-upload-token', 'idempotency-key'],
        ...['accept-payment', 'access-control-expose-headers', 'range', 'if-none-match'],
      ])
      const exposed = (await get(endpoint.path)).headers.get('access-control-expose-headers')
      for (const name of [
        'payment-required',
        'payment-response',
        'x-payment-response',
        'retry-after',
        'x-request-id',
      ]) {
        expect(exposed).toContain(name)
      }
    })
  },
)

/** Their 200 needs an upstream that is slow, or fails: test/workerd/generation has them. */
const conditional: readonly string[] = ['cancelGeneration', 'retryGeneration']
const free = all.filter(({ sale, isOperators, name }) => !sale && isOperators !== true && !conditional.includes(name))
describe.each(free.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
  '%s',
  (_, endpoint) => {
    it('answers 200 in the type it documents', async () => {
      const answer = await (examples[`${endpoint.method} ${endpoint.path}`] ?? (() => get(endpoint.path)))()
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toContain(endpoint.response.contentTypes[0])
      // What caches keep is nobody's request.
      const isCached = answer.headers.get('cache-control')?.startsWith('public')
      expect(answer.headers.get('x-request-id') ?? '').toMatch(isCached ? /^$/ : /^[\da-f-]{36}$/)
    })
  },
)

const operators = all.filter(({ isOperators }) => isOperators === true)
describe.each(operators.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
  '%s',
  (_, endpoint) => {
    const ask = (token?: string) =>
      get(endpoint.path + (queries[endpoint.path] ?? ''), {
        method: endpoint.method,
        ...(token !== undefined && { headers: { Authorization: `Bearer ${token}` } }),
      })

    it('answers the operator in the type it documents', async () => {
      const answer = await ask(stack.adminToken)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toContain(endpoint.response.contentTypes[0])
    })

    it.each([undefined, '', 'x'.repeat(64)])('answers 401 invalid_token to anybody else (%s)', async (token) => {
      const answer = await ask(token)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
    })
  },
)

describe('GET /health', () => {
  it('names every dependency and its state', async () => {
    expect(await (await get('/health')).json()).toEqual({
      status: 'ok',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/),
      dependencies: {
        facilitator: 'ok',
        evm_rpc: 'ok',
        tempo_rpc: 'ok',
        matte: 'ok',
        resize: 'ok',
        preview: 'ok',
        storage: 'ok',
      },
      pixels: { png: 4_000_000, webp: 1_000_000 },
    })
  })

  describe('?deep=1', () => {
    const look = (token: string, query = '?deep=1') =>
      get(`/health${query}`, { headers: { Authorization: `Bearer ${token}` } })

    it('cuts out a tiny picture for the operator, and tells the wasm memory that it took', async () => {
      const answer = await look(stack.adminToken)
      expect(answer.status).toBe(200)
      const { status, trial } = (await answer.json()) as { status: string; trial: Trial }
      expect(status).toBe('ok')
      expect(trial).toEqual({
        ...{ result: 'ok', model: defaultMatteModel.id, milliseconds: expect.any(Number) },
        wasmMemory: { codecs: expect.any(Number), model: expect.any(Number) },
      })
      // The budget of an edge model, and a codec that has had something to do.
      expect(trial.wasmMemory?.model).toBeGreaterThan(8 << 20)
      expect(trial.wasmMemory?.model).toBeLessThanOrEqual(48 << 20)
      expect(trial.wasmMemory?.codecs).toBeGreaterThan(0)
    })

    it('is nobody else’s, and works for nobody else', async () => {
      const answer = await look('x'.repeat(64))
      expect(answer.status).toBe(401)
      expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
      expect(await (await get('/health')).json()).not.toHaveProperty('trial')
    })

    it('takes 1 and nothing else', async () => {
      const answer = await look(stack.adminToken, '?deep=yes')
      expect(answer.status).toBe(400)
      expect(await answer.json()).toMatchObject({ error: 'invalid_request', message: expect.stringContaining('deep') })
    })
  })
})

describe('a deployment without a Container', () => {
  it('says so before anybody asks, and refuses quality=best with the reason', async () => {
    for (const path of ['/openapi.json', '/llms.txt']) {
      const text = await (await get(path)).text()
      expect(text).toMatch(/4,000,000 pixels in all \(1,000,000 for a WebP\)/)
      expect(text).toMatch(/quality=best` is not to be had here/)
    }
    const answer = await post(photo('flower.jpg'), createCaller(), '?quality=best')
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      error: 'invalid_request',
      message: expect.stringMatching(/quality.* may be auto or fast: best needs a Container/),
    })
  })
})

describe('any other path', () => {
  it.each(['/', '/v1/nothing', '/v1/%00<script>', '/v1/remove-background/'])(
    '%s answers 404 not_found in JSON',
    async (path) => {
      const answer = await get(path, { headers: { Accept: 'text/html' } })
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ error: 'not_found', request_id: answer.headers.get('x-request-id') })
    },
  )
})
