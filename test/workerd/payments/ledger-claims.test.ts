import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { JOIN_MS, LEASE_MS, RESULT_LIFE_MS } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import {
  ask,
  claimWork,
  HOME,
  openPayment,
  orderOf,
  receipt,
  resultAt,
  start,
  useScriptedWorld,
  work,
} from './scripted-payment.ts'

useScriptedWorld()

describe('a payment that is shown several times at once', () => {
  it('is verified once', async () => {
    const { ledger, credential } = openPayment()
    const admissions = await Promise.all(Array.from({ length: 8 }, () => ledger.admit(credential, ask, HOME)))
    expect(admissions).toEqual(Array(8).fill({ kind: 'admitted', needsWork: true, payer: '0x1' }))
    expect(world.asked).toEqual(['verify'])
  })

  it('is worked for once, and everybody gets the one result', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment)
    const waiting = Array.from({ length: 3 }, () => payment.ledger.claim(payment.credential, orderOf('a'), HOME))
    await payment.ledger.complete(claimId, resultAt('results/1'))
    const outcome = await payment.ledger.settle()
    expect(outcome).toMatchObject({ kind: 'settled', receipt })
    for (const claim of await Promise.all(waiting)) expect(['settled', 'settle']).toContain(claim.kind)
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('lets those who wait share the failure of the work', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment)
    const waiting = payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    const failure = { code: 'no_foreground', message: 'nothing there' } as const
    expect(await payment.ledger.fail(claimId, failure)).toEqual(failure)
    expect(await waiting).toEqual({ kind: 'failed', failure })
    expect(await payment.readRow()).toBeUndefined()
  })

  it('answers in_progress to whoever has waited 25 seconds and finds somebody at work', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment)
    const waiting = payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    // Calls arrive in order: once this one is answered, the other is waiting.
    await payment.ledger.renew(claimId)
    vi.setSystemTime(start + JOIN_MS + 1)
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toMatchObject({ kind: 'work' })
    expect(await waiting).toEqual({ kind: 'in_progress' })
  })

  it('gives a waiting other request its turn when the work fails', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment)
    const waiting = payment.ledger.claim(payment.credential, orderOf('b'), HOME)
    await payment.ledger.fail(claimId, { code: 'invalid_image', message: 'truncated' })
    expect(await waiting).toMatchObject({ kind: 'work' })
    expect(await payment.readRow()).toMatchObject({ state: 'claimed', fingerprint: 'b' })
  })

  it('lets the worker report while others wait in an object that was restarted', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment)
    await evictDurableObject(payment.stub)
    const waiting = payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    expect(await payment.ledger.renew(claimId)).toBe(true)
    expect(await payment.ledger.complete(claimId, resultAt('results/1'))).toBe(true)
    expect(await waiting).toEqual({ kind: 'settle' })
  })
})

describe('a payment that has bought something', () => {
  it('replays for the same request, also after it expired', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    vi.setSystemTime(start + 60 * 60 * 1000)
    expect(await payment.ledger.admit(payment.credential, ask, HOME)).toMatchObject({ kind: 'admitted' })
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toMatchObject({
      kind: 'settled',
      receipt,
    })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('conflicts with another request, naming the transaction', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    const other = await payment.ledger.claim(payment.credential, orderOf('b'), HOME)
    expect(other).toEqual({ kind: 'conflict', transaction: '0xabc' })
  })

  it('is not heard from another claimant', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    const forged = { ...payment.credential, digest: 'something else', claimant: 'somebody else' }
    expect(await payment.ledger.admit(forged, ask, HOME)).toEqual({ kind: 'used' })
    expect(await payment.ledger.claim(forged, orderOf('a'), HOME)).toEqual({ kind: 'used' })
  })

  it('loses its result after 24 hours and keeps its row', async () => {
    const payment = openPayment()
    await work(payment, resultAt('results/day'))
    await payment.ledger.settle()
    vi.setSystemTime(start + RESULT_LIFE_MS + 1)
    await runDurableObjectAlarm(payment.stub)
    expect(world.deleted).toEqual(['results/day'])
    expect(await payment.readRow()).toMatchObject({ state: 'settled' })
  })

  it('tries again when its result cannot be deleted', async () => {
    const payment = openPayment()
    await work(payment, resultAt('results/stuck'))
    await payment.ledger.settle()
    vi.setSystemTime(start + RESULT_LIFE_MS + 1)
    world.deletes = false
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readAlarm()).not.toBeNull()
    world.deletes = true
    await runDurableObjectAlarm(payment.stub)
    expect(world.deleted).toEqual(['results/stuck'])
  })
})

describe('a refused payment', () => {
  it('frees the key, and a later verdict may differ', async () => {
    const { ledger, credential } = openPayment()
    world.verify = async () => ({ kind: 'refused', reason: 'insufficient_balance' })
    expect(await ledger.admit(credential, ask, HOME)).toEqual({ kind: 'refused', reason: 'insufficient_balance' })
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7 })
    expect(await ledger.admit(credential, ask, HOME)).toMatchObject({ kind: 'admitted' })
  })

  it('cannot be claimed past its refusal', async () => {
    const { ledger, credential, readRow } = openPayment()
    world.verify = async () => ({ kind: 'unavailable', cause: 'down' })
    expect(await ledger.claim(credential, orderOf('a'), HOME)).toEqual({ kind: 'unavailable', cause: 'down' })
    expect(await readRow()).toBeUndefined()
  })

  it('is judged anew for another route', async () => {
    const { ledger, credential } = openPayment()
    await ledger.admit(credential, ask, HOME)
    await ledger.admit(credential, { ...ask, route: '/v1/images/generate' }, HOME)
    expect(world.asked).toEqual(['verify', 'verify'])
  })
})

describe('row 21: a worker that loses its lease', () => {
  it('is replaced, and what it reports is refused', async () => {
    const payment = openPayment()
    const late = await claimWork(payment, 'a')
    vi.setSystemTime(start + LEASE_MS + 1)
    await claimWork(payment, 'b')
    expect(await payment.ledger.renew(late)).toBe(false)
    expect(await payment.ledger.complete(late, resultAt('late'))).toBe(false)
    await payment.ledger.fail(late, { code: 'processing_failed', message: 'late' })
    expect(await payment.readRow()).toMatchObject({ state: 'claimed', fingerprint: 'b' })
  })

  it('cannot report for whoever claims after the alarm has freed the payment', async () => {
    const payment = openPayment()
    const late = await claimWork(payment, 'a')
    vi.setSystemTime(start + LEASE_MS + 2)
    await runDurableObjectAlarm(payment.stub)
    const claimId = await claimWork(payment, 'b')
    expect(await payment.ledger.complete(late, resultAt('of a'))).toBe(false)
    expect(await payment.ledger.complete(claimId, resultAt('of b'))).toBe(true)
    expect(await payment.readRow()).toMatchObject({ fingerprint: 'b', result: { key: 'of b' } })
  })

  it('is not overwritten when it settles while another claim is verified', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment, 'a')
    vi.setSystemTime(start + 61_000)
    const gate = Promise.withResolvers<void>()
    world.verify = async () => {
      await gate.promise
      return { kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7 }
    }
    const other = payment.ledger.claim(payment.credential, orderOf('b'), HOME)
    expect(await payment.ledger.complete(claimId, resultAt('of a'))).toBe(true)
    await payment.ledger.settle()
    gate.resolve()
    expect(await other).toEqual({ kind: 'conflict', transaction: '0xabc' })
    expect(await payment.readRow()).toMatchObject({ state: 'settled', fingerprint: 'a' })
  })

  it('keeps it by renewing', async () => {
    const payment = openPayment()
    const claimId = await claimWork(payment)
    vi.setSystemTime(start + LEASE_MS - 1)
    expect(await payment.ledger.renew(claimId)).toBe(true)
    vi.setSystemTime(start + LEASE_MS + 1)
    expect(await payment.ledger.complete(claimId, resultAt('in time'))).toBe(true)
  })

  it('leaves a payment that the alarm frees', async () => {
    const payment = openPayment()
    await claimWork(payment)
    vi.setSystemTime(start + LEASE_MS + 2)
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toBeUndefined()
    expect(world.asked).toEqual(['verify'])
  })
})
