import { beforeAll, describe, expect, it } from 'vitest'
import {
  balanceOf,
  createCaller,
  createPayer,
  fund,
  measureIncome,
  PRICE,
  photo,
  post,
  type SignedPayment,
  sign,
  v1,
  v2,
  watchFacilitator,
  withFaults,
} from './kit.ts'
import { createContractWallet, frontRun, hasWorked, inTheFuture, signForHimself } from './kit-chain.ts'
import { shrink } from './pictures.ts'

let tiny: Buffer
let other: Buffer
beforeAll(async () => {
  tiny = await shrink(photo('capsule.jpg'), 160)
  other = await shrink(photo('lantern.jpg'), 160)
})

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>

/** A payment with the address that it always comes from: refusals count by address. */
interface Attempt {
  readonly payment: SignedPayment
  readonly headers: Record<string, string>
}
const createAttempt = (payment: SignedPayment): Attempt => ({ payment, headers: { ...v2(payment), ...createCaller() } })

/** Sends a payment again while we are busy, or verify enough others. */
async function insist({ headers }: Attempt): Promise<Response> {
  for (;;) {
    const answer = await post(tiny, headers)
    const { error } = answer.status === 503 ? await errorOf(answer.clone()) : {}
    if (error !== 'processor_unavailable' && error !== 'payment_unavailable') return answer
  }
}

/** At most four at a time. */
async function mapFew<Item, Result>(items: readonly Item[], act: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += 4) results.push(...(await Promise.all(items.slice(at, at + 4).map(act))))
  return results
}

describe('row 6: 50 payments, of whose nonces one transaction uses 49 for the payer himself', () => {
  it('delivers the one that paid us, and refuses 49 after the chain has said so', async () => {
    const payer = await createPayer(2_500_000n)
    const attempts = await Promise.all(Array.from({ length: 50 }, async () => createAttempt(await sign(payer))))
    const [income, [held, answers]] = await measureIncome(async () => {
      // Each gets work done and is verified; none is sent on.
      const unsent = await withFaults([{ op: 'settle', mode: '500' }], () => mapFew(attempts, insist))
      const [ours, ...others] = attempts.map(({ payment }) => payment)
      await frontRun([...(await Promise.all(others.map((payment) => signForHimself(payer, payment)))), ours!])
      return [unsent, await mapFew(attempts, insist)]
    })
    expect(held.map(({ status }) => status)).toEqual(Array(50).fill(503))
    expect(answers.map(({ status }) => status)).toEqual([200, ...Array(49).fill(402)])
    for (const answer of answers.slice(1)) {
      expect(await errorOf(answer)).toMatchObject({ error: 'authorization_spent_elsewhere' })
    }
    expect(income).toBe(PRICE)
  }, 120_000)
})

describe('row 12: ten payments at once by a payer whose balance is that of one', () => {
  it('delivers one and never the others; then that payer pays first', async () => {
    const payer = await createPayer(PRICE)
    const attempts = await Promise.all(Array.from({ length: 10 }, async () => createAttempt(await sign(payer))))
    const [income, answers] = await measureIncome(() => Promise.all(attempts.map(({ headers }) => post(tiny, headers))))
    const rest = attempts.filter((_, i) => answers[i]!.status !== 200)
    expect([rest.length, income]).toEqual([9, PRICE])
    for (const { status } of answers) expect([200, 402, 503]).toContain(status)

    const later = await inTheFuture(400, () => mapFew(rest, ({ headers }) => post(tiny, headers)))
    expect(later.map(({ status }) => status)).toEqual(Array(9).fill(402))

    await fund(payer, PRICE)
    const payment = createAttempt(await sign(payer))
    const broken = await post(tiny.subarray(0, tiny.length / 2), payment.headers)
    expect(await errorOf(broken)).toMatchObject({ error: 'invalid_image', paid: true })
    expect((await post(other, payment.headers)).status).toBe(200)
    expect(await balanceOf(payer.address)).toBe(0n)
  }, 60_000)

  it('makes a payer pay first as soon as a settlement after work has failed', async () => {
    const payer = await createPayer()
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], async () => post(tiny, v2(await sign(payer))))
    const payment = v2(await sign(payer))
    const broken = await post(tiny.subarray(0, tiny.length / 2), payment)
    expect(await errorOf(broken)).toMatchObject({ error: 'invalid_image', paid: true, owed_until: expect.any(String) })
    const [income, good] = await measureIncome(() => post(other, payment))
    expect([good.status, income]).toEqual([200, 0n])
  })

  it('forgives a payer whose settlement is found after all', async () => {
    const payer = await createPayer()
    const late = v2(await sign(payer))
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(tiny, late))
    expect((await post(tiny, late)).status).toBe(200)
    const broken = await post(tiny.subarray(0, tiny.length / 2), v2(await sign(payer)))
    expect(await errorOf(broken)).toEqual(expect.not.objectContaining({ paid: true }))
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })
})

describe('a contract wallet', () => {
  it('row 11: pays first, by ERC-1271, in either envelope', async () => {
    const wallet = await createContractWallet('DevSmartWallet')
    const [income, answers] = await measureIncome(async () => [
      await post(tiny, v2(await sign(wallet))),
      await post(tiny, v1(await sign(wallet))),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(income).toBe(2n * PRICE)
    const payment = v2(await sign(wallet))
    const broken = await post(tiny.subarray(0, tiny.length / 2), payment)
    expect(await errorOf(broken)).toMatchObject({ paid: true, owed_until: expect.any(String) })
    expect((await post(other, payment)).status).toBe(200)
  })

  it('row 13: that says yes to a call and no on chain gets nothing, and nobody works for it', async () => {
    const wallet = await createContractWallet('DevFickleWallet')
    const payment = v2(await sign(wallet))
    const [calls, [income, first]] = await watchFacilitator(() => measureIncome(() => post(tiny, payment)))
    expect(calls).toEqual(['settle', 'verify'])
    expect(await errorOf(first)).toMatchObject({ error: 'payment_pending' })
    const last = await inTheFuture(400, () => post(tiny, payment))
    expect(last.status).toBe(402)
    expect(await errorOf(last)).toMatchObject({ error: 'authorization_expired' })
    expect([await hasWorked(first), await hasWorked(last), income]).toEqual([false, false, 0n])
    expect(await balanceOf(wallet.address)).toBe(400_000n)
  })
})
