import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { Caller } from '../../../src/payments/replay-proof.ts'
import { world } from '../worker.ts'
import {
  ask,
  claimWork,
  HOME,
  NOBODY,
  openPayment,
  orderOf,
  type Payment,
  receipt,
  resultAt,
  start,
  useScriptedWorld,
  work,
} from './scripted-payment.ts'

useScriptedWorld()

const AWAY: Caller = { address: 'somewhere else', addressRecord: 'somewhere else', idempotencyKey: null }
const unproven = ({ credential }: Payment) => ({ ...credential, proof: null })

async function settle(): Promise<Payment> {
  const payment = openPayment()
  world.settle = async () => ({ kind: 'settled', receipt: { ...receipt, at: Date.now() } })
  await work(payment)
  await payment.ledger.settle()
  return payment
}

describe('a settled payment, rebuilt from the chain', () => {
  it.each(['a', 'b'])('gives a stranger nothing, not even the transaction (request %s)', async (request) => {
    const payment = await settle()
    expect(await payment.ledger.admit(unproven(payment), ask, AWAY)).toEqual({ kind: 'used' })
    const claim = await payment.ledger.claim(unproven(payment), orderOf(request), AWAY)
    expect(claim).toEqual({ kind: 'used' })
  })

  it('gives nothing to a made-up proof, or to no address at all', async () => {
    const payment = await settle()
    const liar = { ...payment.credential, proof: 'made up' }
    expect(await payment.ledger.admit(liar, ask, AWAY)).toEqual({ kind: 'used' })
    expect(await payment.ledger.admit(unproven(payment), ask, NOBODY)).toEqual({ kind: 'used' })
  })

  it('replays to its payer’s proof from anywhere, at any time', async () => {
    const payment = await settle()
    vi.setSystemTime(start + 60 * 60 * 1000)
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), AWAY)
    expect(claim).toMatchObject({ kind: 'settled' })
  })

  it('replays to its payer’s address for ten minutes', async () => {
    const payment = await settle()
    vi.setSystemTime(start + 10 * 60 * 1000 - 1)
    expect(await payment.ledger.admit(unproven(payment), ask, HOME)).toMatchObject({ kind: 'admitted' })
    vi.setSystemTime(start + 10 * 60 * 1000)
    expect(await payment.ledger.admit(unproven(payment), ask, HOME)).toEqual({ kind: 'used' })
  })

  it('does not begin its ten minutes anew when the chain is looked at once more', async () => {
    const payment = await settle()
    vi.setSystemTime(start + 10 * 60 * 1000)
    world.find = async () => ({ kind: 'paid', receipt: { ...receipt, at: Date.now() } })
    await runDurableObjectAlarm(payment.stub)
    expect(await payment.readRow()).toMatchObject({ secondLook: 'done', receipt: { at: start } })
    expect(await payment.ledger.admit(unproven(payment), ask, HOME)).toEqual({ kind: 'used' })
  })

  it('counts its ten minutes from when it was sent, however late it is found', async () => {
    const payment = openPayment()
    await work(payment)
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    await payment.ledger.settle()
    vi.setSystemTime(start + 10 * 60 * 1000)
    world.find = async () => ({ kind: 'paid', receipt: { ...receipt, at: Date.now() } })
    await payment.ledger.settle()
    expect(await payment.ledger.admit(unproven(payment), ask, HOME)).toEqual({ kind: 'used' })
  })

  it('does not take two unknown addresses for one', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(unproven(payment), orderOf('a'), NOBODY)
    await payment.ledger.complete(claim.kind === 'work' ? claim.claimId : '', resultAt('results/1'))
    await payment.ledger.settle()
    expect(await payment.ledger.admit(unproven(payment), ask, NOBODY)).toEqual({ kind: 'used' })
  })
})

describe('a payment that was sent, or collected before the work', () => {
  it('gives a stranger nothing while its outcome is unknown', async () => {
    const payment = openPayment()
    await work(payment)
    world.settle = async () => ({ kind: 'unknown', cause: 'TimeoutError' })
    await payment.ledger.settle()
    expect(await payment.ledger.admit(unproven(payment), ask, AWAY)).toEqual({ kind: 'used' })
    expect(await payment.ledger.admit(unproven(payment), ask, HOME)).toMatchObject({ kind: 'admitted' })
  })

  it('does not let a stranger work off, or wait for, what is owed', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    const claimId = await claimWork(payment)
    expect(await payment.ledger.admit(unproven(payment), ask, AWAY)).toEqual({ kind: 'used' })
    await payment.ledger.fail(claimId, { code: 'invalid_image', message: 'truncated' })
    expect(await payment.ledger.claim(unproven(payment), orderOf('b'), AWAY)).toEqual({ kind: 'used' })
  })
})
