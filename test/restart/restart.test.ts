import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  balanceOf,
  cancel,
  createPayer,
  measureIncome,
  PRICE,
  photo,
  post,
  sign,
  v2,
  watchFacilitator,
  withFaults,
} from '../e2e/kit.ts'
import { shrink } from '../e2e/pictures.ts'
import { type OwnStack, startOwnStack, waitUntil, watchCall } from './own-stack.ts'

let stack: OwnStack
let flower: Buffer
let lantern: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'), 160)
  lantern = await shrink(photo('lantern.jpg'), 160)
  stack = await startOwnStack()
})
afterAll(() => stack.stop())

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

/** A call that is cut off when the process dies. */
const callUntilKilled = (headers: Record<string, string>) => void post(flower, headers).catch(() => {})

/** How often somebody worked while `act` ran, and what `act` gave. */
async function countWork<Result>(act: () => Promise<Result>): Promise<[number, Result]> {
  const before = stack.count('work')
  const result = await act()
  return [stack.count('work') - before, result]
}

describe('row 22: a process that is killed and started again on the same storage', () => {
  it('while somebody works: the payment works again once the lease is over, charged once', async () => {
    const headers = v2(await sign(await createPayer()))
    const [income, [works, answer]] = await measureIncome(() =>
      countWork(async () => {
        const work = stack.hold('work')
        callUntilKilled(headers)
        await work.reached
        await stack.restart()
        return post(flower, headers)
      }),
    )
    expect([answer.status, income, works]).toEqual([200, PRICE, 2])
  })

  it('when the work is kept and nothing was sent: it is settled without working again', async () => {
    const headers = v2(await sign(await createPayer()))
    const [calls, [income, [works, answer]]] = await watchFacilitator(() =>
      measureIncome(() =>
        countWork(async () => {
          const settle = stack.hold('settle')
          callUntilKilled(headers)
          await settle.reached
          await stack.restart()
          return post(flower, headers)
        }),
      ),
    )
    expect([answer.status, income, works, calls]).toEqual([200, PRICE, 1, ['settle', 'verify']])
  })

  it('when the settlement was mined and not answered: it is found, and not sent again', async () => {
    const payer = await createPayer()
    const headers = v2(await sign(payer))
    const [calls, [works, answer]] = await watchFacilitator(() =>
      countWork(() =>
        withFaults([{ op: 'settle', mode: 'delay', ms: 15_000, when: 'after', count: 1 }], async () => {
          callUntilKilled(headers)
          await waitUntil('the money', async () => (await balanceOf(payer.address)) === 400_000n - PRICE)
          await stack.restart()
          return post(flower, headers)
        }),
      ),
    )
    expect([answer.status, works, calls]).toEqual([200, 1, ['settle', 'verify']])
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })

  it('when the settlement was about to be sent: it is sent again, and the chain takes it once', async () => {
    const payer = await createPayer()
    const headers = v2(await sign(payer))
    const [works, answer] = await countWork(() =>
      withFaults([{ op: 'settle', mode: 'delay', ms: 3_000, count: 1 }], async () => {
        const isSettling = await watchCall('settle')
        callUntilKilled(headers)
        await isSettling()
        await stack.restart()
        return post(flower, headers)
      }),
    )
    expect([answer.status, works]).toEqual([200, 1])
    expect((await post(flower, headers)).headers.get('idempotent-replayed')).toBe('true')
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })

  it('when the outcome is unknown: 503 before, 200 after, charged once', async () => {
    const headers = v2(await sign(await createPayer()))
    const [income, [works, statuses]] = await measureIncome(() =>
      countWork(async () => {
        const held = await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, headers))
        await stack.restart()
        return [held.status, (await post(flower, headers)).status]
      }),
    )
    expect([statuses, income, works]).toEqual([[503, 200], PRICE, 1])
  })

  it('when all is done: the same bytes again, also by the Idempotency-Key alone', async () => {
    const [payment, key] = [v2(await sign(await createPayer())), { 'Idempotency-Key': crypto.randomUUID() }]
    const [income, [works, answers]] = await measureIncome(() =>
      countWork(async () => {
        const first = await post(flower, { ...payment, ...key })
        await stack.restart()
        return [first, await post(flower, payment), await post(flower, key)]
      }),
    )
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    const [first, ...rest] = await Promise.all(answers.map(bytesOf))
    for (const bytes of rest) expect(bytes.equals(first!)).toBe(true)
    expect([income, works]).toEqual([PRICE, 1])
  })

  it('when work is owed: it is done free', async () => {
    const payer = await createPayer()
    const headers = v2(await sign(payer, { validBefore: 25 }))
    stack.failWork()
    const failed = await post(flower, headers)
    expect(await errorOf(failed)).toMatchObject({ error: 'processing_failed', paid: true })
    await stack.restart()
    expect((await post(lantern, headers)).status).toBe(200)
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })

  it('when the chain has refused: 402 again, and nothing moves', async () => {
    const payer = await createPayer()
    const payment = await sign(payer)
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, v2(payment)))
    await cancel(payer, payment.authorization.nonce)
    const before = await post(flower, v2(payment))
    await stack.restart()
    const after = await post(flower, v2(payment))
    expect([before.status, after.status]).toEqual([402, 402])
    expect(await errorOf(after)).toMatchObject({ error: 'authorization_cancelled' })
    expect(await balanceOf(payer.address)).toBe(400_000n)
  })
})
