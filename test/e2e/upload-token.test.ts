import { describe, expect, it } from 'vitest'
import { createCaller, decode, measureIncome, readReceipt, v1, v2, watchFacilitator } from './kit.ts'
import { steal } from './kit-chain.ts'
import {
  buyToken,
  CENT,
  createNoise,
  payCent as pay,
  readHosted,
  readToken,
  replay,
  send,
  TOKEN,
  UPLOAD,
  upload,
  withToken,
} from './kit-hosting.ts'

describe('POST /api/upload/token', () => {
  it('asks for $0.01 without a payment, body or not', async () => {
    for (const body of [null, '{}', 'anything']) {
      const answer = await send(TOKEN, body)
      const { accepts, resource } = decode<{ accepts: { amount: string }[]; resource: { url: string } }>(
        answer.headers.get('payment-required'),
      )
      expect([answer.status, accepts[0]?.amount]).toEqual([402, '10000'])
      expect(resource.url).toBe(`https://pixtoll.test${TOKEN}`)
    }
  })

  it('sells a token for 10 minutes, and gives the same to the same payment, charged once', async () => {
    const payment = await pay()
    const client = createCaller()
    const [income, [first, again]] = await measureIncome(async () => [
      await buyToken(payment, client),
      await buyToken(payment, client),
    ])
    const { token, expiresAt } = (await first!.json()) as { token: string; expiresAt: string }
    expect([first!.status, token]).toEqual([200, expect.stringMatching(/^[0-9a-f]{40}$/)])
    expect(Math.abs(Date.parse(expiresAt) - Date.now() - 600_000)).toBeLessThan(30_000)
    expect(readReceipt(first!).success).toBe(true)
    expect(first!.headers.get('cache-control')).toBe('private, no-store')
    expect([await again!.json(), replay(again!), income]).toEqual([{ token, expiresAt }, 'true', CENT])
  })

  it('answers the same for an Idempotency-Key alone, unpaid', async () => {
    const key = { 'Idempotency-Key': `token-${crypto.randomUUID()}` }
    const token = await readToken(await buyToken(await pay(), key))
    const [income, again] = await measureIncome(() => send(TOKEN, null, key))
    expect([again.status, await readToken(again), income]).toEqual([200, token, 0n])
  })

  it('answers with the image once its token is spent', async () => {
    const payment = await pay()
    const client = createCaller()
    const image = await createNoise()
    const token = await readToken(await buyToken(payment, client))
    const hosted = await readHosted(await upload(UPLOAD, image, withToken(token)))
    expect(await readHosted(await buyToken(payment, client))).toEqual(hosted)
  })

  it('gives a stranger with the payment of the call data neither token nor image', async () => {
    const client = createCaller()
    const first = await buyToken(await pay(), client)
    const token = await readToken(first)
    const stolen = await steal(readReceipt(first).transaction)
    const tryAll = async () => {
      for (const headers of [v2(stolen), v1(stolen)]) {
        for (const answer of [await send(TOKEN, null, headers), await upload(UPLOAD, await createNoise(), headers)]) {
          const text = await answer.text()
          expect([answer.status, JSON.parse(text).error]).toEqual([409, 'payment_already_used'])
          expect(text).not.toMatch(/token"|url|[0-9a-f]{40}/)
        }
      }
    }
    await tryAll()
    await upload(UPLOAD, await createNoise(), withToken(token))
    await tryAll()
  })

  it('counts a payment that was sent to the other route as the same', async () => {
    const payment = await pay()
    const client = createCaller()
    const [calls, [income]] = await watchFacilitator(() =>
      measureIncome(async () => {
        await upload(UPLOAD, await createNoise(), { ...v2(payment), ...client })
        await buyToken(payment, client)
      }),
    )
    expect([calls, income]).toEqual([['settle', 'verify'], CENT])
  })

  it('takes an echoed challenge of either route', async () => {
    const required = async (path: string) =>
      decode<{ accepts: { extra: object }[] }>((await send(path, null)).headers.get('payment-required')).accepts[0]!
    const payment = await pay()
    const { extra } = await required(UPLOAD)
    const answer = await send(TOKEN, null, v2(payment, { extra }))
    expect(answer.status).toBe(200)
    // From anywhere: the echo is the proof.
    const again = await upload(UPLOAD, await createNoise(), v2(payment, { extra }))
    expect(again.status).toBe(200)
  })
})
