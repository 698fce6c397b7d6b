import { ExactEvmScheme } from '@x402/evm/exact/server'
import { declarePaymentIdentifierExtension } from '@x402/extensions/payment-identifier'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { decode, photo, post, ROUTE, stack } from './kit.ts'

interface Required {
  x402Version: number
  error: string
  resource: { url: string; description: string; mimeType: string }
  accepts: { scheme: string; network: string; amount: string; payTo: string; extra: Record<string, string> }[]
}
const requiredOf = (response: Response) => decode<Required>(response.headers.get('payment-required'))

/** What the stock middleware asks for the same sale on the same network. */
async function askStockMiddleware(): Promise<Required> {
  const supported = {
    kinds: [{ x402Version: 2, scheme: 'exact', network: 'eip155:84532' as const }],
    extensions: [],
    signers: {},
  }
  const unasked = async () => {
    throw new Error('a challenge asks nobody')
  }
  const facilitator = { getSupported: async () => supported, verify: unasked, settle: unasked }
  const server = new x402ResourceServer(facilitator).register('eip155:84532', new ExactEvmScheme())
  const app = new Hono()
  const accepts = {
    scheme: 'exact',
    network: 'eip155:84532' as const,
    price: '$0.05',
    payTo: stack.payTo,
    maxTimeoutSeconds: 120,
  }
  const resource = {
    resource: stack.publicUrl + ROUTE,
    description: 'Remove the background of an image',
    mimeType: 'image/png',
  }
  const extensions = { 'payment-identifier': declarePaymentIdentifierExtension() }
  app.use(paymentMiddleware({ [`POST ${ROUTE}`]: { accepts, ...resource, extensions } }, server))
  return requiredOf(await app.request(ROUTE, { method: 'POST' }))
}

describe('the 402', () => {
  it('asks in PAYMENT-REQUIRED what the stock x402 middleware would ask, plus the replay token', async () => {
    const required = requiredOf(await post(null))
    const [ours] = required.accepts
    const { replay, ...extra } = ours!.extra
    const stock = await askStockMiddleware()
    expect({ ...required, error: stock.error, accepts: [{ ...ours, extra }] }).toEqual(stock)
    expect(replay).toMatch(/^\d+\.50000\.[\w-]{16}\.[\w-]{43}$/)
  })

  it('asks the same in its JSON body, as x402 v1', async () => {
    const answer = await post(null)
    const [two] = requiredOf(answer).accepts
    expect(await answer.json()).toEqual({
      error: 'payment_required',
      message: expect.stringContaining('$0.05'),
      request_id: answer.headers.get('x-request-id'),
      x402Version: 1,
      accepts: [
        {
          scheme: 'exact',
          network: 'base-sepolia',
          maxAmountRequired: two!.amount,
          asset: stack.usdc,
          payTo: two!.payTo,
          maxTimeoutSeconds: 120,
          resource: stack.publicUrl + ROUTE,
          description: 'Remove the background of an image',
          mimeType: 'image/png',
          extra: { name: 'USDC', version: '2' },
        },
      ],
    })
  })

  it('carries a token of its own each time', async () => {
    const tokens = await Promise.all(
      [post(null), post(null)].map(async (answer) => requiredOf(await answer).accepts[0]!.extra.replay),
    )
    expect(tokens[0]).not.toBe(tokens[1])
  })

  it('builds links from configuration, without a query', async () => {
    const answer = await post(null, {}, '?format=png')
    expect(requiredOf(answer).resource.url).toBe(`https://pixtoll.test${ROUTE}`)
  })

  it.each([
    ['no body', null, null],
    ['an empty body', '', 'image/jpeg'],
    ['the JSON {}', '{}', 'application/json'],
    ['the JSON { } with spaces', ' {\n} ', 'application/json; charset=utf-8'],
    ['a photograph', photo('flower.jpg'), 'image/jpeg'],
  ])('is given for %s', async (_, body, type) => {
    const answer = await post(body, {}, '', type)
    expect(answer.status).toBe(402)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('payment-signature')
  })

  it('reaches a client that is still sending megabytes', async () => {
    const body = Buffer.concat([photo('flower.jpg'), Buffer.alloc(8 << 20)])
    expect((await post(body)).status).toBe(402)
  })
})

describe('free checks', () => {
  const jpeg = photo('flower.jpg')
  it.each([
    ['another Content-Type', jpeg, 'image/gif', '', 415, 'unsupported_media_type', /image\/png/],
    ['no Content-Type', jpeg, null, '', 415, 'unsupported_media_type', /image\/jpeg/],
    ['bytes of another format', jpeg, 'image/png', '', 400, 'invalid_image', /jpeg/i],
    ['bytes of no image', Buffer.from('hello'), 'image/png', '', 400, 'invalid_image', /PNG, JPEG or WebP/],
    ['an unknown format', jpeg, 'image/jpeg', '?format=bmp', 400, 'invalid_request', /png/],
    ['quality=best without a Container', jpeg, 'image/jpeg', '?quality=best', 400, 'invalid_request', /Container/],
    ['a model that nobody may choose', jpeg, 'image/jpeg', '?model=isnet-1024', 400, 'invalid_request', /leave out/],
    ['a model that is none', jpeg, 'image/jpeg', '?model=../x', 400, 'invalid_request', /model/],
    ['a model and a quality', jpeg, 'image/jpeg', '?model=a&quality=fast', 400, 'invalid_request', /leave out quality/],
    [
      'an option that does not exist',
      jpeg,
      'image/jpeg',
      '?colour=red',
      400,
      'invalid_request',
      /format, output, bg, crop, margin, refine, quality, model/,
    ],
    ['an option given twice', jpeg, 'image/jpeg', '?format=png&format=png', 400, 'invalid_request', /2 times/],
    ['JSON that is not {}', '{"a":1}', 'application/json', '', 415, 'unsupported_media_type', /Content-Type/],
  ] as const)('refuse %s before any challenge', async (_, body, type, query, status, error, message) => {
    const answer = await post(body, {}, query, type)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('payment-required')).toBeNull()
    expect(await answer.json()).toMatchObject({ error, message: expect.stringMatching(message) })
  })

  it('judge an empty body like any other when there is a credential', async () => {
    const header = Buffer.from(JSON.stringify({ x402Version: 2 })).toString('base64')
    const answer = await post(null, { 'PAYMENT-SIGNATURE': header })
    expect(await answer.json()).toMatchObject({ error: 'invalid_image', message: expect.stringContaining('empty') })
  })
})
