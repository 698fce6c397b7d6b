import { beforeAll, describe, expect, it } from 'vitest'
import {
  balanceOf,
  createPayer,
  measureIncome,
  PRICE,
  photo,
  post,
  readReceipt,
  sign,
  v2,
  watchFacilitator,
  withFaults,
} from './kit.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
})

const isReplay = ({ headers }: Response) => headers.get('idempotent-replayed') === 'true'
const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('a facilitator in trouble', () => {
  const down = {
    '500': { mode: '500' },
    'a bad gateway': { mode: 'json', body: 'Bad Gateway', status: 502 },
    HTML: { mode: 'html' },
    nonsense: { mode: 'json', body: {} },
    // The client gives up after 8 seconds.
    'a time-out': { mode: 'delay', ms: 9_000 },
  }

  it.each(Object.entries(down))(
    'row 1: at verify (%s): 503 payment_unavailable, then the same payment buys',
    async (_, fault) => {
      const payment = await sign(await createPayer())
      const [income, [first, second]] = await measureIncome(async () => [
        await withFaults([{ op: 'verify', ...fault, count: 1 }], () => post(flower, v2(payment))),
        await post(flower, v2(payment)),
      ])
      expect(first!.status).toBe(503)
      expect(first!.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await errorOf(first!)).toMatchObject({ error: 'payment_unavailable', retryable: true })
      expect(second!.status).toBe(200)
      expect(income).toBe(PRICE)
    },
  )

  const { 'a time-out': _tooSlow, ...quick } = down
  it.each(Object.entries(quick))(
    'row 2: at settle (%s), before it was sent on: 503 payment_pending, then 200, charged once',
    async (_, fault) => {
      const payment = await sign(await createPayer())
      const [income, [first, second]] = await measureIncome(async () => [
        await withFaults([{ op: 'settle', ...fault, count: 1 }], () => post(flower, v2(payment))),
        await post(flower, v2(payment)),
      ])
      expect(first!.status).toBe(503)
      expect(first!.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await errorOf(first!)).toMatchObject({ error: 'payment_pending', retryable: true })
      expect(second!.status).toBe(200)
      expect(income).toBe(PRICE)
    },
  )

  it('row 2: at settle, with no answer in time: 503 or found on chain, and then 200, charged once', async () => {
    const payment = await sign(await createPayer())
    const [income, [first, second]] = await measureIncome(async () => [
      await withFaults([{ op: 'settle', mode: 'delay', ms: 21_000, count: 1 }], () => post(flower, v2(payment))),
      await post(flower, v2(payment)),
    ])
    expect([first!.status, second!.status]).toEqual([503, 200])
    expect(await errorOf(first!)).toMatchObject({ error: 'payment_pending' })
    expect(income).toBe(PRICE)
  })

  it('at settle, after the money moved: found on chain, 200 at once, charged once', async () => {
    const payment = await sign(await createPayer())
    const [calls, [income, answer]] = await watchFacilitator(() =>
      measureIncome(() =>
        withFaults([{ op: 'settle', mode: 'html', when: 'after', count: 1 }], () => post(flower, v2(payment))),
      ),
    )
    expect(answer.status).toBe(200)
    expect(readReceipt(answer).transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect(calls).toEqual(['settle', 'verify'])
    expect(income).toBe(PRICE)
  })

  it('that says "no funds" at settle is not believed while the chain is open: 503, never 402', async () => {
    const account = await createPayer()
    const payment = await sign(account)
    const lie = {
      success: false,
      errorReason: 'invalid_exact_evm_insufficient_balance',
      transaction: '',
      network: 'eip155:84532',
    }
    const answer = await withFaults([{ op: 'settle', mode: 'json', body: lie, count: 1 }], () =>
      post(flower, v2(payment)),
    )
    expect(answer.status).toBe(503)
    expect(await errorOf(answer)).toMatchObject({ error: 'payment_pending' })
    expect((await post(flower, v2(payment))).status).toBe(200)
    expect(await balanceOf(account.address)).toBe(350_000n)
  })

  it('keeps the work: the retry settles without working again', async () => {
    const payment = await sign(await createPayer())
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, v2(payment)))
    const [calls, answer] = await watchFacilitator(() => post(flower, v2(payment)))
    expect(calls).toEqual(['settle'])
    expect(answer.status).toBe(200)
    expect(isReplay(answer)).toBe(false)
  })
})
