import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { balanceOf, createCaller, createPayer, PRICE, photo, post, sign, v2, withFaults } from '../e2e/kit.ts'
import { shrink } from '../e2e/pictures.ts'
import { type OwnStack, startFragileCall, startOwnStack, watchCall } from './own-stack.ts'

let stack: OwnStack
let large: Buffer
let small: Buffer
beforeAll(async () => {
  large = photo('lantern.jpg')
  small = await shrink(photo('flower.jpg'), 160)
  stack = await startOwnStack()
})
afterAll(() => stack.stop())

describe('row 19: a client that hangs up', () => {
  it('during its upload is not charged; the same payment then buys', async () => {
    const payer = await createPayer()
    const headers = v2(await sign(payer))
    const isVerified = await watchCall('verify')
    const call = await startFragileCall(large, headers, 80_000)
    await isVerified()
    await call.hangUp()
    expect(await balanceOf(payer.address)).toBe(400_000n)
    const works = stack.count('work')
    expect((await post(small, headers)).status).toBe(200)
    expect([stack.count('work') - works, await balanceOf(payer.address)]).toEqual([1, 400_000n - PRICE])
  })

  it('during the work is not charged for it; the same payment then works again', async () => {
    const payer = await createPayer()
    const headers = v2(await sign(payer))
    const works = stack.count('work')
    const work = stack.hold('work')
    const call = await startFragileCall(small, headers)
    await work.reached
    await call.hangUp()
    // Whoever works hears that nobody waits any more.
    await work.abandoned
    expect(await balanceOf(payer.address)).toBe(400_000n)
    expect((await post(small, headers)).status).toBe(200)
    expect([stack.count('work') - works, await balanceOf(payer.address)]).toEqual([2, 400_000n - PRICE])
  })

  it('during the settlement is charged once, and the result waits for the same payment', async () => {
    const payer = await createPayer()
    const headers = { ...v2(await sign(payer)), ...createCaller() }
    const works = stack.count('work')
    const answer = await withFaults([{ op: 'settle', mode: 'delay', ms: 2_000, count: 1 }], async () => {
      const isSettling = await watchCall('settle')
      const call = await startFragileCall(small, headers)
      await isSettling()
      await call.hangUp()
      return post(small, headers)
    })
    expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([200, 'true'])
    expect([stack.count('work') - works, await balanceOf(payer.address)]).toEqual([1, 400_000n - PRICE])
  })
})
