import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { LEASE_MS, RESULT_LIFE_MS } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import { ask, openPayment, receipt, resultAt, start, useScriptedWorld, work } from './scripted-payment.ts'

useScriptedWorld()

describe('a payment that is shown several times at once', () => {
  it('is verified once', async () => {
    const { ledger, credential } = openPayment()
    const admissions = await Promise.all(Array.from({ length: 8 }, () => ledger.admit(credential, ask)))
    expect(admissions).toEqual(Array(8).fill({ kind: 'admitted' }))
    expect(world.asked).toEqual(['verify'])
  })

  it('is worked for once, and everybody gets the one result', async () => {
    const payment = openPayment()
    await work(payment)
    const waiting = Array.from({ length: 3 }, () => payment.ledger.claim(payment.credential, ask, 'a'))
    const outcome = await payment.ledger.settle()
    expect(outcome).toMatchObject({ kind: 'settled', receipt })
    for (const claim of await Promise.all(waiting)) expect(['settled', 'settle']).toContain(claim.kind)
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('lets those who wait share the failure of the work', async () => {
    const { ledger, credential, readRow } = openPayment()
    await ledger.claim(credential, ask, 'a')
    const waiting = ledger.claim(credential, ask, 'a')
    const failure = { code: 'no_foreground', message: 'nothing there' } as const
    await ledger.fail(1, failure)
    expect(await waiting).toEqual({ kind: 'failed', failure })
    expect(await readRow()).toBeUndefined()
  })

  it('answers in_progress to whoever has waited 25 seconds and finds somebody at work', async () => {
    const { ledger, credential } = openPayment()
    await ledger.claim(credential, ask, 'a')
    const waiting = ledger.claim(credential, ask, 'a')
    // Calls arrive in order: once this one is answered, the other is waiting.
    await ledger.renew(1)
    vi.setSystemTime(start + LEASE_MS + 1)
    expect(await ledger.claim(credential, ask, 'a')).toEqual({ kind: 'work', fence: 2 })
    expect(await waiting).toEqual({ kind: 'in_progress' })
  })

  it('gives a waiting other request its turn when the work fails', async () => {
    const { ledger, credential } = openPayment()
    await ledger.claim(credential, ask, 'a')
    const waiting = ledger.claim(credential, ask, 'b')
    await ledger.fail(1, { code: 'invalid_image', message: 'truncated' })
    expect(await waiting).toEqual({ kind: 'work', fence: 1 })
  })
})

describe('a payment that has bought something', () => {
  it('replays for the same request, also after it expired', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    vi.setSystemTime(start + 60 * 60 * 1000)
    expect(await payment.ledger.admit(payment.credential, ask)).toEqual({ kind: 'admitted' })
    expect(await payment.ledger.claim(payment.credential, ask, 'a')).toMatchObject({ kind: 'settled', receipt })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('conflicts with another request, naming the transaction', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    expect(await payment.ledger.claim(payment.credential, ask, 'b')).toEqual({ kind: 'conflict', transaction: '0xabc' })
  })

  it('is not heard when other bytes were signed', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    const forged = { ...payment.credential, digest: 'something else' }
    expect(await payment.ledger.admit(forged, ask)).toEqual({ kind: 'used' })
    expect(await payment.ledger.claim(forged, ask, 'a')).toEqual({ kind: 'used' })
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
})

describe('a refused payment', () => {
  it('frees the key, and a later verdict may differ', async () => {
    const { ledger, credential } = openPayment()
    world.verify = async () => ({ kind: 'refused', reason: 'insufficient_balance' })
    expect(await ledger.admit(credential, ask)).toEqual({ kind: 'refused', reason: 'insufficient_balance' })
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, height: 7 })
    expect(await ledger.admit(credential, ask)).toEqual({ kind: 'admitted' })
  })

  it('cannot be claimed past its refusal', async () => {
    const { ledger, credential, readRow } = openPayment()
    world.verify = async () => ({ kind: 'unavailable', cause: 'down' })
    expect(await ledger.claim(credential, ask, 'a')).toEqual({ kind: 'unavailable', cause: 'down' })
    expect(await readRow()).toBeUndefined()
  })

  it('is judged anew for another route', async () => {
    const { ledger, credential } = openPayment()
    await ledger.admit(credential, ask)
    await ledger.admit(credential, { ...ask, route: '/v1/images/generate' })
    expect(world.asked).toEqual(['verify', 'verify'])
  })
})

describe('a worker that loses its lease', () => {
  it('is replaced, and what it reports is refused', async () => {
    const { ledger, credential, readRow } = openPayment()
    await ledger.claim(credential, ask, 'a')
    vi.setSystemTime(start + LEASE_MS + 1)
    expect(await ledger.claim(credential, ask, 'b')).toEqual({ kind: 'work', fence: 2 })
    expect(await ledger.renew(1)).toBe(false)
    expect(await ledger.complete(1, resultAt('late'))).toBe(false)
    await ledger.fail(1, { code: 'processing_failed', message: 'late' })
    expect(await readRow()).toMatchObject({ state: 'claimed', fence: 2, fingerprint: 'b' })
  })

  it('keeps it by renewing', async () => {
    const { ledger, credential } = openPayment()
    await ledger.claim(credential, ask, 'a')
    vi.setSystemTime(start + LEASE_MS - 1)
    expect(await ledger.renew(1)).toBe(true)
    vi.setSystemTime(start + LEASE_MS + 1)
    expect(await ledger.complete(1, resultAt('in time'))).toBe(true)
  })

  it('leaves a payment that the alarm frees', async () => {
    const { stub, ledger, credential, readRow } = openPayment()
    await ledger.claim(credential, ask, 'a')
    vi.setSystemTime(start + LEASE_MS + 1)
    await runDurableObjectAlarm(stub)
    expect(await readRow()).toBeUndefined()
    expect(world.asked).toEqual(['verify'])
  })
})
