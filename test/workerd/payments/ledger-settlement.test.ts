import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { LedgerRow } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import {
  ask,
  HOME,
  openPayment,
  orderOf,
  type Payment,
  receipt,
  start,
  useScriptedWorld,
  work,
} from './scripted-payment.ts'

useScriptedWorld()

describe('a settlement whose outcome is unknown', () => {
  /** Sent once, and nobody knows what it came to. */
  async function leaveOpen(): Promise<Payment> {
    const payment = openPayment()
    await work(payment)
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    expect(await payment.ledger.settle()).toEqual({ kind: 'pending' })
    world.asked = []
    return payment
  }

  it('is pending, never refused, while the authorization lives', async () => {
    const { readRow } = await leaveOpen()
    expect(await readRow()).toMatchObject({ state: 'unknown', cause: 'TimeoutError' })
  })

  it('is found on chain by the next attempt, which sends nothing', async () => {
    const payment = await leaveOpen()
    world.find = async () => ({ kind: 'paid', receipt })
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toEqual({ kind: 'settle' })
    expect(await payment.ledger.settle()).toMatchObject({ kind: 'settled', receipt })
    expect(world.asked).toEqual(['find'])
  })

  it('is sent again only after the chain said that it is unused', async () => {
    const { ledger } = await leaveOpen()
    world.settle = async () => ({ kind: 'settled', receipt })
    expect(await ledger.settle()).toMatchObject({ kind: 'settled' })
    expect(world.asked).toEqual(['find', 'settle'])
  })

  it('stays pending while the chain cannot be asked', async () => {
    const { ledger } = await leaveOpen()
    world.find = async () => ({ kind: 'unknown', cause: 'down' })
    expect(await ledger.settle()).toEqual({ kind: 'pending' })
    expect(world.asked).toEqual(['find'])
  })

  it('is refused once the chain says that it can never be paid, and its result is deleted', async () => {
    const { stub, ledger, credential, readRow } = await leaveOpen()
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    expect(await ledger.settle()).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    await runDurableObjectAlarm(stub)
    expect(world.deleted).toEqual(['results/1'])
    expect(await readRow()).toMatchObject({ state: 'refused' })
    expect(await ledger.admit(credential, ask, HOME)).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    expect(await ledger.claim(credential, orderOf('a'), HOME)).toEqual({
      kind: 'refused',
      reason: 'authorization_expired',
    })
  })

  it('is looked for by alarms, which never send', async () => {
    const payment = await leaveOpen()
    await runDurableObjectAlarm(payment.stub)
    expect(world.asked).toEqual(['find'])
    world.find = async () => ({ kind: 'paid', receipt })
    await runDurableObjectAlarm(payment.stub)
    expect(world.asked).toEqual(['find', 'find'])
    expect(await payment.readRow()).toMatchObject({ state: 'settled' })
  })

  it('is looked for ever more rarely', async () => {
    const payment = await leaveOpen()
    vi.setSystemTime(start + 3 * 60 * 60 * 1000)
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readAlarm()).toBe(start + 6 * 60 * 60 * 1000)
  })

  it('survives an alarm that fails', async () => {
    const { stub, readRow } = await leaveOpen()
    world.find = async () => {
      throw new Error('broken')
    }
    expect(await runDurableObjectAlarm(stub)).toBe(true)
    expect(await readRow()).toMatchObject({ state: 'unknown' })
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull()
  })

  it('is looked for before anything is sent when the object was restarted in the middle', async () => {
    const payment = openPayment()
    await work(payment)
    await runInDurableObject(payment.stub, (_, { storage }) => {
      storage.kv.put('row', { ...storage.kv.get<LedgerRow>('row'), state: 'settling' })
    })
    world.asked = []
    world.find = async () => ({ kind: 'paid', receipt })
    expect(await payment.ledger.settle()).toMatchObject({ kind: 'settled' })
    expect(world.asked).toEqual(['find'])
  })
})

describe('work that nobody collected', () => {
  it('is not collected by alarms: they look, and drop it once it can never be paid', async () => {
    const payment = openPayment()
    await work(payment)
    world.asked = []
    vi.setSystemTime(start + 181_000)
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toMatchObject({ state: 'worked' })
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    await runDurableObjectAlarm(payment.stub)
    await runDurableObjectAlarm(payment.stub)
    expect(world.asked).toEqual(['find', 'find'])
    expect(world.deleted).toEqual(['results/1'])
    expect(await payment.readRow()).toMatchObject({ state: 'refused', result: null })
  })

  it('is told that nothing was sent when the chain cannot be asked', async () => {
    const payment = openPayment()
    await work(payment)
    vi.setSystemTime(start + 121_000)
    world.find = async () => ({ kind: 'unknown', cause: 'down' })
    expect(await payment.ledger.settle()).toEqual({ kind: 'unavailable', cause: 'down' })
  })
})

describe('a settlement', () => {
  it('that an alarm meets is looked at again later', async () => {
    const payment = openPayment()
    await work(payment)
    const gate = Promise.withResolvers<void>()
    world.settle = async () => {
      await gate.promise
      return { kind: 'unknown', cause: 'TimeoutError' }
    }
    const outcome = payment.ledger.settle()
    await payment.ledger.renew('nobody')
    await runDurableObjectAlarm(payment.stub)
    gate.resolve()
    expect(await outcome).toEqual({ kind: 'pending' })
    expect(await payment.readAlarm()).not.toBeNull()
    expect(world.asked).toEqual(['verify', 'settle', 'find'])
  })

  it('is written down before it is sent', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    expect(world.stateWhenSent).toBe('settling')
  })

  it('happens once, however many ask for it', async () => {
    const payment = openPayment()
    await work(payment)
    const gate = Promise.withResolvers<void>()
    world.settle = async () => {
      await gate.promise
      return { kind: 'settled', receipt }
    }
    const outcomes = Array.from({ length: 5 }, () => payment.ledger.settle())
    // Calls arrive in order: once this one is answered, all five have asked.
    await payment.ledger.renew('nobody')
    gate.resolve()
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toMatchObject({ kind: 'settled', receipt })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('does not believe the facilitator when it says no: only the chain refuses', async () => {
    const payment = openPayment()
    await work(payment)
    world.settle = async () => ({ kind: 'unknown', cause: 'invalid_exact_evm_insufficient_balance' })
    expect(await payment.ledger.settle()).toEqual({ kind: 'pending' })
  })

  it('is not sent when the authorization is over and the chain agrees', async () => {
    const payment = openPayment()
    await work(payment)
    world.asked = []
    vi.setSystemTime(start + 121_000)
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    expect(await payment.ledger.settle()).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    expect(world.asked).toEqual(['find'])
  })
})
