import { ExactEvmScheme } from '@x402/evm'
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch'
import { describe, expect, it } from 'vitest'
import { wrapFetchWithPayment } from 'x402-fetch'
import { createCaller, createPayer, decode, measureIncome, photo, ROUTE, readReceipt, sign, stack, v2 } from './kit.ts'
import { at, createMppClient, createTempoPayer, measureTempoIncome, readMppReceipt, signMpp } from './kit-mpp.ts'

const flower = photo('flower.jpg')
const ask = (base: string, headers: Record<string, string> = {}) =>
  fetch(base + ROUTE, {
    method: 'POST',
    body: flower,
    headers: { 'Content-Type': 'image/jpeg', ...createCaller(), ...headers },
  })
const init = () => ({ method: 'POST', body: flower, headers: { 'Content-Type': 'image/jpeg', ...createCaller() } })
const realmOf = (answer: Response) => /realm="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]

describe('a host', () => {
  it('that is the apex offers x402 v2, v1 and MPP in one 402', async () => {
    const answer = await ask(stack.gateway)
    expect(answer.headers.get('payment-required')).not.toBeNull()
    expect(realmOf(answer)).toBe('pixtoll.test')
    expect(await answer.json()).toMatchObject({
      error: 'payment_required',
      x402Version: 1,
      accepts: [expect.anything()],
    })
  })

  it('that nobody configured is the apex', async () => {
    const answer = await ask(at('anything'))
    expect(realmOf(answer)).toBe('pixtoll.test')
    expect(answer.headers.get('payment-required')).not.toBeNull()
  })

  it('named x402. offers x402 alone, under its own name', async () => {
    const answer = await ask(at('x402'))
    expect(answer.headers.get('www-authenticate')).toBeNull()
    const { resource } = decode<{ resource: { url: string } }>(answer.headers.get('payment-required'))
    expect(resource.url).toBe(`https://x402.localhost${ROUTE}`)
  })

  it('named mpp. offers MPP alone, as an RFC 9457 problem', async () => {
    const answer = await ask(at('mpp'))
    expect(answer.headers.get('payment-required')).toBeNull()
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(realmOf(answer)).toBe('mpp.localhost')
    const id = /id="([^"]*)"/.exec(answer.headers.get('www-authenticate') ?? '')?.[1]
    expect(await answer.json()).toEqual({
      type: 'https://paymentauth.org/problems/payment-required',
      title: 'Payment Required',
      status: 402,
      detail: expect.stringContaining('$0.05'),
      challengeId: id,
      error: 'payment_required',
      message: expect.stringContaining('$0.05'),
      request_id: expect.any(String),
    })
  })

  it('named mpp. names the reason of a refusal in error, type and title', async () => {
    const answer = await ask(at('mpp'), { Authorization: 'Payment e30' })
    expect(await answer.json()).toMatchObject({
      error: 'invalid_payload',
      type: 'https://paymentauth.org/problems/malformed-credential',
      title: 'Malformed Credential',
    })
  })

  it('for images serves files and nothing else', async () => {
    for (const path of ['/', '/health', '/openapi.json', ROUTE]) {
      const answer = await fetch(at('i') + path)
      expect(answer.status).toBe(404)
      expect(await answer.json()).toMatchObject({ error: 'not_found' })
    }
  })

  it('decides what is offered, never what is accepted; the same payment on another host is the same request', async () => {
    const payment = { ...v2(await sign(await createPayer())), ...createCaller() }
    const [income, [first, again]] = await measureIncome(async () => [
      await ask(at('mpp'), payment),
      await ask(at('x402'), payment),
    ])
    expect([first!.status, again!.status]).toEqual([200, 200])
    expect(again!.headers.get('idempotent-replayed')).toBe('true')
    expect(income).toBe(50_000n)
    const credential = await signMpp(await createTempoPayer())
    expect((await ask(at('x402'), credential)).status).toBe(200)
  })
})

describe('on the apex every stock client takes its own protocol', () => {
  it('mppx pays by MPP, also on mpp.', async () => {
    for (const base of [stack.gateway, at('mpp')]) {
      const client = createMppClient(await createTempoPayer())
      const [income, answer] = await measureTempoIncome(() => client.fetch(base + ROUTE, init()))
      expect(answer.status).toBe(200)
      expect(readMppReceipt(answer).reference).toMatch(/^0x[\da-f]{64}$/)
      expect(answer.headers.get('payment-response')).toBeNull()
      expect(answer.headers.get('cache-control')).toBe('private, no-store')
      expect(income).toBe(50_000n)
    }
  })

  it('@x402/fetch pays by x402 v2, x402-fetch by v1, also on x402.', async () => {
    for (const base of [stack.gateway, at('x402')]) {
      const account = await createPayer()
      const schemes = [{ network: 'eip155:*' as const, client: new ExactEvmScheme(account) }]
      const [income, [two, one]] = await measureIncome(async () => [
        await wrapFetchWithPaymentFromConfig(fetch, { schemes })(base + ROUTE, init()),
        await wrapFetchWithPayment(fetch, account as never)(base + ROUTE, init()),
      ])
      expect(two!.headers.get('payment-response')).not.toBeNull()
      expect(one!.headers.get('x-payment-response')).not.toBeNull()
      for (const answer of [two!, one!]) expect(readReceipt(answer).success).toBe(true)
      for (const answer of [two!, one!]) expect(answer.headers.get('payment-receipt')).toBeNull()
      expect(income).toBe(100_000n)
    }
  })
})
