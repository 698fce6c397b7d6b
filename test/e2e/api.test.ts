import { describe, expect, it } from 'vitest'
import { createDocs } from '../../src/docs/index.ts'
import { errorsOf } from '../../src/docs/openapi.ts'
import { endpoints } from '../../src/endpoints/index.ts'
import { errors } from '../../src/errors.ts'
import { stack } from './kit.ts'

const all = [...endpoints, ...createDocs(endpoints)]
const get = (path: string, init?: RequestInit) => fetch(stack.gateway + path, init)
interface Operation {
  operationId: string
  summary: string
  responses: Record<string, { description: string }>
  'x-payment-info'?: object
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
      return paths[endpoint.path]![endpoint.method.toLowerCase()]!
    }

    it('stands in the OpenAPI document with every error it may answer', async () => {
      const operation = await readOperation()
      expect(operation).toMatchObject({ operationId: endpoint.name, summary: endpoint.summary })
      for (const code of errorsOf(endpoint))
        expect(operation.responses[errors[code].status]!.description).toContain(code)
    })

    it('says what it costs wherever prices are said', async () => {
      const operation = await readOperation()
      const page = await (await get('/llms.txt')).text()
      const section = page
        .slice(page.indexOf(`## ${endpoint.method} ${endpoint.path}`))
        .split('\n')
        .slice(0, 2)
        .join('\n')
      if (!endpoint.sale) {
        expect(operation['x-payment-info']).toBeUndefined()
        expect(section).toContain('Free.')
        return
      }
      expect(operation['x-payment-info']).toEqual({
        price: { mode: 'fixed', currency: 'USD', amount: '0.05' },
        offers: [
          {
            intent: 'charge',
            method: 'tempo',
            amount: '50000',
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
      expect(section).toContain('Price: $0.05')
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

const free = all.filter(({ sale }) => !sale)
describe.each(free.map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const))(
  '%s',
  (_, endpoint) => {
    it('answers 200 in the type it documents', async () => {
      const answer = await get(endpoint.path)
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toContain(endpoint.response.contentTypes[0])
      expect(answer.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/)
    })
  },
)

describe('GET /health', () => {
  it('names every dependency and its state', async () => {
    expect(await (await get('/health')).json()).toEqual({
      status: 'ok',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/),
      dependencies: { facilitator: 'ok', evm_rpc: 'ok', tempo_rpc: 'ok', matte: 'ok', storage: 'ok' },
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
