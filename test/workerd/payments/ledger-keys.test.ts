import { runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { LEASE_MS } from '../../../src/payments/ledger-row.ts'
import type { Caller } from '../../../src/payments/replay-proof.ts'
import { world } from '../worker.ts'
import { ask, openPayment, orderOf, receipt, resultAt, start, useScriptedWorld, work } from './scripted-payment.ts'

useScriptedWorld()

const WITH_KEY: Caller = { address: 'home', addressRecord: null, idempotencyKey: 'key' }
const AWAY: Caller = { address: 'away', addressRecord: null, idempotencyKey: 'key' }
const STRANGER: Caller = { address: 'away', addressRecord: null, idempotencyKey: 'a key of his own' }

/** A payment that was claimed and worked for under a key. */
async function workWithKey() {
  const payment = openPayment()
  const claim = await payment.ledger.claim(payment.credential, orderOf('a'), WITH_KEY)
  await payment.ledger.complete(claim.kind === 'work' ? claim.claimId : '', resultAt('results/1'))
  return payment
}

describe('a payment under an Idempotency-Key', () => {
  it('is sent only after the key has said that it is the one', async () => {
    const { ledger } = await workWithKey()
    await ledger.settle()
    expect(world.asked).toEqual(['verify', 'key', 'settle'])
  })

  it('is not sent when another payment has taken the key over', async () => {
    const payment = await workWithKey()
    world.holders.set('key', 'another')
    expect(await payment.ledger.settle()).toEqual({ kind: 'superseded' })
    expect(world.asked).not.toContain('settle')
    expect(await payment.readRow()).toMatchObject({ state: 'worked' })
  })

  it('is not sent while nobody knows what the key stands for: nothing is charged', async () => {
    const { ledger } = await workWithKey()
    world.answers = false
    expect(await ledger.settle()).toMatchObject({ kind: 'unavailable' })
    expect(world.asked).not.toContain('settle')
  })

  it('is not sent for a claim that was lost while the key was asked', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a', { moneyFirst: true }), WITH_KEY)
    const claimId = claim.kind === 'settle' ? claim.claimId : undefined
    const gate = Promise.withResolvers<void>()
    world.gate = gate.promise
    const outcome = payment.ledger.settle(claimId)
    await payment.ledger.renew('nobody')
    await runInDurableObject(payment.stub, (_, { storage }) => storage.kv.delete('row'))
    gate.resolve()
    expect(await outcome).toMatchObject({ kind: 'unavailable' })
    expect(world.asked).not.toContain('settle')
  })

  it('is not sent once its lease was over while the key was asked: another payment may have seen it free', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a', { moneyFirst: true }), WITH_KEY)
    const gate = Promise.withResolvers<void>()
    world.gate = gate.promise
    const outcome = payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    await payment.ledger.renew('nobody')
    vi.setSystemTime(start + LEASE_MS + 1)
    expect(await payment.ledger.recall('key')).toBeNull()
    gate.resolve()
    expect(await outcome).toMatchObject({ kind: 'unavailable' })
    expect(world.asked).not.toContain('settle')
  })

  it('gives a claim back that another payment has overtaken', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a', { moneyFirst: true }), WITH_KEY)
    world.holders.set('key', 'another')
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    expect(await payment.readRow()).toBeUndefined()
  })

  it('replays to who shows the key, from anywhere, and to nobody with another key', async () => {
    const payment = await workWithKey()
    await payment.ledger.settle()
    const unproven = { ...payment.credential, proof: null }
    expect(await payment.ledger.claim(unproven, orderOf('a'), AWAY)).toMatchObject({ kind: 'settled', receipt })
    expect(await payment.ledger.claim(unproven, orderOf('a'), STRANGER)).toEqual({ kind: 'used' })
  })
})

describe('a key that comes with a payment which is known already', () => {
  it('is noted: it recalls the payment, proves its payer, and is asked before anything is sent', async () => {
    const payment = openPayment()
    await work(payment)
    expect(await payment.ledger.claim(payment.credential, orderOf('a'), WITH_KEY)).toEqual({ kind: 'settle' })
    expect(await payment.ledger.recall('key')).not.toBeNull()
    world.holders.set('key', 'another')
    expect(await payment.ledger.settle()).toEqual({ kind: 'superseded' })
    world.holders.delete('key')
    await payment.ledger.settle()
    const unproven = { ...payment.credential, proof: null }
    expect(await payment.ledger.claim(unproven, orderOf('a'), AWAY)).toMatchObject({ kind: 'settled' })
  })

  it('has a say beside the first: if either stands for another payment, nothing is sent', async () => {
    const payment = await workWithKey()
    await payment.ledger.claim(payment.credential, orderOf('a'), { ...WITH_KEY, idempotencyKey: 'second' })
    world.holders.set('second', 'another')
    expect(await payment.ledger.settle()).toEqual({ kind: 'superseded' })
    expect(world.asked).not.toContain('settle')
  })

  it('is noted beside the first one, also with what was owed, and not with another request', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    const claim = await payment.ledger.claim(payment.credential, orderOf('broken'), WITH_KEY)
    const failure = { code: 'invalid_image', message: 'truncated' } as const
    await payment.ledger.fail(claim.kind === 'work' ? claim.claimId : '', failure)
    const again = await payment.ledger.claim(payment.credential, orderOf('whole'), {
      ...WITH_KEY,
      idempotencyKey: 'second',
    })
    await payment.ledger.complete(again.kind === 'work' ? again.claimId : '', resultAt('results/whole'))
    await payment.ledger.settle()
    const third = { ...WITH_KEY, idempotencyKey: 'third' }
    expect(await payment.ledger.claim(payment.credential, orderOf('other'), third)).toMatchObject({ kind: 'conflict' })
    const known = await Promise.all(['key', 'second', 'third'].map((key) => payment.ledger.recall(key)))
    expect(known.map((recalled) => recalled !== null)).toEqual([true, true, false])
  })
})

describe('a key that is shown without its payment', () => {
  it('recalls the payment while it is worked for, and once it was sent', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), WITH_KEY)
    expect(await payment.ledger.recall('key')).toEqual({ credential: payment.credential, isOwed: false })
    await payment.ledger.complete(claim.kind === 'work' ? claim.claimId : '', resultAt('results/1'))
    await payment.ledger.settle()
    expect(await payment.ledger.recall('key')).toEqual({ credential: payment.credential, isOwed: false })
  })

  it('recalls nothing with another key', async () => {
    const payment = await workWithKey()
    expect(await payment.ledger.recall('a key of his own')).toBeNull()
  })

  it('recalls nothing of a payment that is free again: failed, abandoned, or refused by the chain', async () => {
    const failed = openPayment()
    expect(await failed.ledger.recall('key')).toBeNull()

    const abandoned = openPayment()
    await abandoned.ledger.claim(abandoned.credential, orderOf('a'), WITH_KEY)
    vi.setSystemTime(start + LEASE_MS + 1)
    expect(await abandoned.ledger.recall('key')).toBeNull()

    const refused = await workWithKey()
    world.settle = async () => ({ kind: 'unknown', cause: 'no funds' })
    world.find = async () => ({ kind: 'dead', reason: 'authorization_cancelled' })
    await refused.ledger.settle()
    expect(await refused.ledger.recall('key')).toBeNull()
  })

  it('recalls what is owed', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    const claim = await payment.ledger.claim(payment.credential, orderOf('a'), WITH_KEY)
    const failure = { code: 'invalid_image', message: 'truncated' } as const
    await payment.ledger.fail(claim.kind === 'work' ? claim.claimId : '', failure)
    expect(await payment.ledger.recall('key')).toEqual({ credential: payment.credential, isOwed: true })
    expect(await payment.ledger.admit(payment.credential, ask, AWAY)).toMatchObject({ needsWork: true })
  })
})
