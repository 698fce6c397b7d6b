import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { cancel, createPayer, decode, measureIncome, PRICE, photo, post, sign, v2, withFaults } from '../e2e/kit.ts'
import {
  askChallenge,
  createTempoPayer,
  fund,
  measureTempoIncome,
  readTempoBalance,
  signMpp,
  withTempoFaults,
} from '../e2e/kit-mpp.ts'
import { shrink } from '../e2e/pictures.ts'
import { type OwnStack, startOwnStack, waitUntil } from './own-stack.ts'

let stack: OwnStack
let flower: Buffer
const { vars } = inject('gatewayParts')
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'), 160)
  stack = await startOwnStack()
})
afterEach(() => stack.restart())
afterAll(() => stack.stop())

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('row 27: a price that changes between challenge and payment', () => {
  it('is honoured as it was, for who echoes the challenge', async () => {
    const required = decode<{ accepts: { extra: object }[] }>((await post(null)).headers.get('payment-required'))
    await stack.restart({ PRICE_REMOVE_BACKGROUND: '0.07' })
    const payer = await createPayer()
    const unproven = await post(flower, v2(await sign(payer)))
    expect(unproven.status).toBe(402)
    const [income, answer] = await measureIncome(async () =>
      post(flower, v2(await sign(payer), { extra: required.accepts[0]!.extra })),
    )
    expect([answer.status, income]).toEqual([200, PRICE])
  })
})

describe('row 28: MPP', () => {
  const newSecret = 'n'.repeat(32)

  it('that is broadcast by a process which then dies is found, charged once', async () => {
    const [payer, works] = [await createTempoPayer(), stack.count('work')]
    const credential = await signMpp(payer)
    const slow = [{ method: 'eth_sendRawTransactionSync', mode: 'delay', ms: 15_000, when: 'after', count: 1 }]
    const [income, answer] = await measureTempoIncome(() =>
      withTempoFaults(slow, async () => {
        const before = await readTempoBalance(payer.address)
        void post(flower, credential).catch(() => {})
        await waitUntil('the money', async () => (await readTempoBalance(payer.address)) < before)
        await stack.restart()
        return post(flower, credential)
      }),
    )
    expect([answer.status, income, stack.count('work') - works]).toEqual([200, PRICE, 1])
  })

  it('keeps its challenges through a rotation of the secret', async () => {
    const credential = await signMpp(await createTempoPayer())
    await stack.restart({ MPP_SECRET_KEY: newSecret, MPP_SECRET_KEY_PREVIOUS: vars.MPP_SECRET_KEY })
    const [income, answer] = await measureTempoIncome(() => post(flower, credential))
    expect([answer.status, income]).toEqual([200, PRICE])
  })

  it('keeps what was paid for when the secret is gone; an unpaid challenge of it is refused', async () => {
    const credential = await signMpp(await createTempoPayer())
    const unpaid = await signMpp(await createTempoPayer())
    expect((await post(flower, credential)).status).toBe(200)
    await stack.restart({ MPP_SECRET_KEY: newSecret })
    const [income, [again, refused]] = await measureTempoIncome(async () => [
      await post(flower, credential),
      await post(flower, unpaid),
    ])
    expect([again!.status, again!.headers.get('idempotent-replayed'), income]).toEqual([200, 'true', 0n])
    expect(await errorOf(refused!)).toMatchObject({ error: 'invalid_challenge' })
  })

  it('costs its payer the price alone where there is a sponsor', async () => {
    const key = generatePrivateKey()
    await fund(privateKeyToAddress(key))
    await stack.restart({ MPP_FEE_PAYER_KEY: key })
    const payer = await createTempoPayer()
    const [before, challenge] = [await readTempoBalance(payer.address), await askChallenge()]
    const credential = await signMpp(payer, { challenge })
    const [income, answers] = await measureTempoIncome(async () => [
      await post(flower, credential),
      await post(flower, credential),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect([income, before - (await readTempoBalance(payer.address))]).toEqual([PRICE, PRICE])
  })
})

describe('the breaker', () => {
  it('asks everyone to pay first once more work was lost in an hour than the operator allows', async () => {
    await stack.restart({ MAX_UNPAID_LOSS_PER_HOUR: '0.04' })
    const isAskedFirst = async () => {
      stack.failWork()
      const answer = await post(flower, v2(await sign(await createPayer(PRICE))))
      return (await errorOf(answer)).paid === true
    }
    expect(await isAskedFirst()).toBe(false)
    const payer = await createPayer()
    const payment = await sign(payer)
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, v2(payment)))
    await cancel(payer, payment.authorization.nonce)
    expect((await post(flower, v2(payment))).status).toBe(402)
    // An isolate hears of it within five seconds.
    await expect.poll(isAskedFirst, { timeout: 15_000, interval: 500 }).toBe(true)
  })
})
