import { describe, expect, it } from 'vitest'
import { OWED_MS } from '../../../src/payments/ledger-row.ts'
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
} from './scripted-payment.ts'

useScriptedWorld()

describe('a payment that is collected while its request is still coming', () => {
  it('is owed, and buys the request once that has come', async () => {
    const payment = openPayment()
    expect(await payment.ledger.collectEarly(payment.credential, ask, HOME)).toBe(start + OWED_MS)
    expect(await payment.readRow()).toMatchObject({ state: 'owed', fingerprint: null })
    await payment.ledger.complete(await claimWork(payment, 'a'), resultAt('results/a'))
    expect(await payment.ledger.settle()).toMatchObject({ kind: 'settled', result: { key: 'results/a' } })
    expect(await payment.ledger.claim(payment.credential, orderOf('b'), HOME)).toMatchObject({ kind: 'conflict' })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('is waited for by a request that comes meanwhile', async () => {
    const payment = openPayment()
    const gate = Promise.withResolvers<void>()
    world.settle = async () => {
      await gate.promise
      return { kind: 'settled', receipt }
    }
    const early = payment.ledger.collectEarly(payment.credential, ask, HOME)
    await payment.ledger.renew('nobody')
    const claim = payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    await payment.ledger.renew('nobody')
    gate.resolve()
    await early
    expect(await claim).toMatchObject({ kind: 'work' })
  })

  it('whose outcome is unknown is found by the request, whichever it is', async () => {
    const payment = openPayment()
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    expect(await payment.ledger.collectEarly(payment.credential, ask, HOME)).toBeNull()
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toEqual({ kind: 'settle' })
    world.find = async () => ({ kind: 'paid', receipt })
    expect(await payment.ledger.settle()).toEqual({ kind: 'owed' })
  })

  it('is left alone when somebody has it already, or when its money moved before', async () => {
    const claimed = openPayment()
    await claimWork(claimed)
    expect(await claimed.ledger.collectEarly(claimed.credential, ask, HOME)).toBeNull()
    const pushed = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    expect(await pushed.ledger.collectEarly(pushed.credential, ask, HOME)).toBeNull()
    expect(await pushed.readRow()).toBeUndefined()
    expect(world.asked).not.toContain('settle')
  })
})

describe('owed work', () => {
  it('is done on the route that was paid for alone', async () => {
    const payment = openPayment()
    await payment.ledger.collectEarly(payment.credential, ask, HOME)
    const elsewhere = orderOf('a', { ask: { ...ask, route: '/v1/images/generate' } })
    expect(await payment.ledger.claim(payment.credential, elsewhere, HOME)).toMatchObject({ kind: 'conflict' })
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), HOME)).toMatchObject({ kind: 'work' })
  })
})
