import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { LEASE_MS, OWED_MS } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import {
  ask,
  claimWork,
  HOME,
  openPayment,
  orderOf,
  type Payment,
  receipt,
  resultAt,
  start,
  useScriptedWorld,
  WORK_S,
} from './scripted-payment.ts'

useScriptedWorld()

const failure = { code: 'invalid_image', message: 'truncated' } as const

/** A payment that ends too soon to be collected after the work. */
function openShortPayment(): Payment {
  const payment = openPayment()
  return { ...payment, credential: { ...payment.credential, validBefore: start / 1000 + WORK_S + 4 } }
}

/** Money first: collected, not worked for yet. */
async function openOwedPayment(): Promise<Payment> {
  const payment = openShortPayment()
  const claim = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
  if (claim.kind !== 'settle') throw new Error(`claim says ${claim.kind}`)
  expect(await payment.ledger.settle(claim.claimId)).toEqual({ kind: 'owed' })
  return payment
}

describe('money first', () => {
  it('is for a payment that would not outlive the work by 5 seconds', async () => {
    const payment = openPayment()
    const endsIn = (seconds: number) => ({ ...payment.credential, validBefore: start / 1000 + seconds })
    expect(await payment.ledger.claim(endsIn(WORK_S + 5), orderOf('a'), HOME)).toMatchObject({ kind: 'work' })
    const short = openShortPayment()
    expect(await short.ledger.claim(short.credential, orderOf('a'), HOME)).toMatchObject({ kind: 'settle' })
  })

  it('is for a payment whose verdict may not hold', async () => {
    const { ledger, credential } = openPayment()
    world.verify = async () => ({
      kind: 'valid',
      terms: { amount: '50000' },
      payer: '0x1',
      height: 7,
      moneyFirst: true,
    })
    expect(await ledger.claim(credential, orderOf('a'), HOME)).toMatchObject({ kind: 'settle' })
  })

  it('collects, then works, then is settled without a second settlement', async () => {
    const payment = await openOwedPayment()
    await payment.ledger.complete(await claimWork(payment), resultAt('results/owed'))
    expect(await payment.ledger.settle()).toMatchObject({ kind: 'settled', receipt, result: { key: 'results/owed' } })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('takes nothing when the chain refuses, and nobody works', async () => {
    const payment = openShortPayment()
    world.settle = async () => ({ kind: 'unknown', cause: 'no funds' })
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    const claimId = claim.kind === 'settle' ? claim.claimId : undefined
    expect(await payment.ledger.settle(claimId)).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    expect(await payment.readRow()).toMatchObject({ state: 'refused' })
    const again = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    expect(again).toEqual({ kind: 'refused', reason: 'authorization_expired' })
  })

  it('is collected for its own claim alone', async () => {
    const payment = openShortPayment()
    await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    expect(await payment.ledger.settle('another claim')).toMatchObject({ kind: 'unavailable' })
    expect(world.asked).toEqual(['verify'])
  })

  it('is not collected for a claim that was taken over', async () => {
    const payment = openShortPayment()
    const stale = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    vi.setSystemTime(start + LEASE_MS + 2)
    const later = { ...payment.credential, validBefore: start / 1000 + 120 }
    const claim = await payment.ledger.claim(later, orderOf('b'), HOME)
    await payment.ledger.complete(claim.kind === 'work' ? claim.claimId : '', resultAt('of b'))
    const claimId = stale.kind === 'settle' ? stale.claimId : undefined
    expect(await payment.ledger.settle(claimId)).toMatchObject({ kind: 'unavailable' })
    expect(world.asked).not.toContain('settle')
  })

  it('wakes up whoever waits for work that will not come', async () => {
    const payment = openShortPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    const waiting = payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    await payment.ledger.renew('nobody')
    world.settle = async () => ({ kind: 'unknown', cause: 'no funds' })
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    expect(await waiting).toEqual({ kind: 'refused', reason: 'authorization_expired' })
  })

  it('is not for a payment whose money moved before we saw it: that one is owed at once', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    await payment.ledger.complete(await claimWork(payment), resultAt('results/push'))
    expect(await payment.ledger.settle()).toMatchObject({ kind: 'settled', receipt })
    expect(world.asked).toEqual(['verify'])
  })
})

describe('work that is owed', () => {
  it('is told so when it fails, and runs again free, with another request too', async () => {
    const payment = await openOwedPayment()
    const told = await payment.ledger.fail(await claimWork(payment), failure)
    expect(told).toEqual({ ...failure, owedUntil: start + OWED_MS })
    await payment.ledger.complete(await claimWork(payment, 'b'), resultAt('results/b'))
    expect(await payment.ledger.settle()).toMatchObject({ kind: 'settled', result: { key: 'results/b' } })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('tells those who waited for it the same', async () => {
    const payment = await openOwedPayment()
    const claimId = await claimWork(payment)
    const waiting = payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    await payment.ledger.fail(claimId, failure)
    expect(await waiting).toEqual({ kind: 'failed', failure: { ...failure, owedUntil: start + OWED_MS } })
  })

  it('stays owed when its worker dies', async () => {
    const payment = await openOwedPayment()
    await claimWork(payment)
    vi.setSystemTime(start + LEASE_MS + 2)
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toMatchObject({ state: 'owed', paid: { receipt } })
    await claimWork(payment, 'b')
  })

  it('is taken over from a dead worker before the alarm runs', async () => {
    const payment = await openOwedPayment()
    await claimWork(payment)
    vi.setSystemTime(start + LEASE_MS + 2)
    await claimWork(payment, 'b')
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('is over after 24 hours', async () => {
    const payment = await openOwedPayment()
    vi.setSystemTime(start + OWED_MS + 1)
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    expect(claim).toEqual({ kind: 'conflict', transaction: '0xabc' })
  })
})

describe('a challenge that was signed again', () => {
  it('replays what the first signature bought', async () => {
    const payment = openPayment()
    await payment.ledger.complete(await claimWork(payment), resultAt('results/1'))
    await payment.ledger.settle()
    const again = { ...payment.credential, digest: 'signed anew' }
    expect(await payment.ledger.claim(again, orderOf('a'), HOME)).toMatchObject({ kind: 'settled', receipt })
    expect(world.asked).toEqual(['verify', 'settle'])
  })

  it('is judged anew, for another request too, when a look shows that the first can never be paid', async () => {
    const payment = openPayment()
    await payment.ledger.complete(await claimWork(payment), resultAt('results/1'))
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    await payment.ledger.settle()
    world.find = async () => ({ kind: 'dead', reason: 'transaction_expired' })
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    const pushed = { ...payment.credential, digest: 'pushed' }
    expect(await payment.ledger.claim(pushed, orderOf('b'), HOME)).toMatchObject({ kind: 'work' })
    expect(await payment.readRow()).toMatchObject({ state: 'claimed', paid: { receipt } })
  })

  it('conflicts with another request once a look finds that the first signature was paid', async () => {
    const payment = openPayment()
    await payment.ledger.complete(await claimWork(payment), resultAt('results/1'))
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    await payment.ledger.settle()
    world.find = async () => ({ kind: 'paid', receipt })
    const again = { ...payment.credential, digest: 'signed anew' }
    const claim = await payment.ledger.claim(again, orderOf('b'), HOME)
    expect(claim).toEqual({ kind: 'conflict', transaction: '0xabc' })
  })

  it('is judged anew once the first signature can never be paid', async () => {
    const payment = openShortPayment()
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    world.find = async () => ({ kind: 'dead', reason: 'transaction_expired' })
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), HOME)
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    expect(await payment.ledger.admit(payment.credential, ask, HOME)).toMatchObject({ kind: 'refused' })
    const again = { ...payment.credential, digest: 'signed anew', transaction: '0xb', validBefore: start / 1000 + 60 }
    expect(await payment.ledger.admit(again, ask, HOME)).toMatchObject({ kind: 'admitted' })
    expect(await payment.ledger.claim(again, orderOf('a'), HOME)).toMatchObject({ kind: 'work' })
    const { transaction } = payment.credential
    expect(await payment.readRow()).toMatchObject({ transactions: [transaction, '0xb'] })
  })
})
