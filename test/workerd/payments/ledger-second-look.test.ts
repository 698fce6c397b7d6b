import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { RESULT_LIFE_MS, SECOND_LOOK_MS } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import { HOME, openPayment, orderOf, receipt, start, useScriptedWorld, work } from './scripted-payment.ts'

useScriptedWorld()

/** Settled two minutes ago; what is asked is counted from here. */
async function settle() {
  const payment = openPayment()
  await work(payment)
  await payment.ledger.settle()
  world.asked = []
  vi.setSystemTime(start + SECOND_LOOK_MS)
  return payment
}

describe('a settled payment', () => {
  it('is looked at once more after two minutes, and not again', async () => {
    const payment = await settle()
    expect(await payment.readAlarm()).toBe(start + SECOND_LOOK_MS)
    const moved = { ...receipt, transaction: '0xdef' }
    world.find = async () => ({ kind: 'paid', receipt: moved })
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toMatchObject({ state: 'settled', secondLook: 'done', receipt: moved })
    expect(await payment.readAlarm()).toBe(start + RESULT_LIFE_MS)
    await runDurableObjectAlarm(payment.stub)
    expect(world.asked).toEqual(['find'])
  })

  it('is sent again when the chain has taken its block back, as long as it is good', async () => {
    const payment = await settle()
    await runDurableObjectAlarm(payment.stub)
    // Good for two minutes from the start, and those are over.
    expect(world.asked).toEqual(['find'])
    vi.setSystemTime(start + SECOND_LOOK_MS - 60_000)
    await runDurableObjectAlarm(payment.stub)
    expect(world.asked).toEqual(['find', 'find', 'settle'])
    world.find = async () => ({ kind: 'paid', receipt })
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toMatchObject({ secondLook: 'done' })
  })

  it('is looked at again later when the chain cannot be asked', async () => {
    const payment = await settle()
    world.find = async () => ({ kind: 'unknown', cause: 'down' })
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toMatchObject({ secondLook: 'due' })
    expect(await payment.readAlarm()).toBe(start + 2 * SECOND_LOOK_MS)
  })

  it('that the chain has taken back for good is a loss, is listed, and stays delivered', async () => {
    const payment = await settle()
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    await runDurableObjectAlarm(payment.stub)
    expect([...world.open.values()]).toMatchObject([{ state: 'lost', transaction: '0xabc' }])
    expect(world.marks.map(({ name, mark }) => [name, mark])).toEqual([
      ['payer 0x1', 'loss'],
      ['service', 'loss'],
    ])
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toMatchObject({ kind: 'settled' })
  })

  it('replays while it is looked at', async () => {
    const payment = await settle()
    const gate = Promise.withResolvers<void>()
    world.find = async () => {
      await gate.promise
      return { kind: 'paid', receipt }
    }
    const alarm = runDurableObjectAlarm(payment.stub)
    await vi.waitUntil(() => world.asked.length > 0)
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toMatchObject({ kind: 'settled' })
    gate.resolve()
    await alarm
  })
})
