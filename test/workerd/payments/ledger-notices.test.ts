import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { LEASE_MS, OWED_MS } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import {
  ask,
  claimWork,
  HOME,
  NOBODY,
  openPayment,
  orderOf,
  receipt,
  resultAt,
  start,
  useScriptedWorld,
  work,
} from './scripted-payment.ts'

useScriptedWorld()

const failure = { code: 'invalid_image', message: 'truncated' } as const
const listed = () => [...world.open.values()]
const PAYER = 'payer 0x1'
const marksOf = (payment: { credential: { key: string } }) =>
  world.marks.filter(({ id }) => id === payment.credential.key).map(({ name, mark }) => [name, mark])

/** Sent, and nobody knows what it came to. */
async function leaveOpen() {
  const payment = openPayment()
  await work(payment)
  world.settle = async () => ({ kind: 'unknown', cause: `TimeoutError ${'x'.repeat(9_000)}` })
  await payment.ledger.settle()
  return payment
}

describe('a payment that ends well', () => {
  it('is nobody’s business', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    expect([listed(), world.marks]).toEqual([[], []])
  })

  it('also where the money came first', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a', { moneyFirst: true }), HOME)
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    await payment.ledger.complete(await claimWork(payment), resultAt('results/1'))
    await payment.ledger.settle()
    expect([listed(), world.marks]).toEqual([[], []])
  })
})

describe('a payment whose outcome is unknown', () => {
  it('row 9: stands on the operator’s list, in few words, and makes its payer pay first', async () => {
    const payment = await leaveOpen()
    const { key } = payment.credential
    expect(listed()).toEqual([
      {
        payment: key,
        state: 'unknown',
        payer: '0x1',
        amount: '50000',
        route: 'POST /v1/remove-background',
        since: new Date(start).toISOString(),
        cause: expect.stringMatching(/^TimeoutError x{187}$/),
      },
    ])
    expect(marksOf(payment)).toEqual([[PAYER, 'open']])
  })

  it('is taken off once it was found, and its payer is forgiven', async () => {
    const payment = await leaveOpen()
    world.find = async () => ({ kind: 'paid', receipt })
    await payment.ledger.settle()
    expect(listed()).toEqual([])
    expect(marksOf(payment)).toEqual([
      [PAYER, 'open'],
      [PAYER, null],
    ])
  })

  it('is a loss once it can never come: for its payer and for the service', async () => {
    const payment = await leaveOpen()
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    await payment.ledger.settle()
    expect(listed()).toEqual([])
    expect(marksOf(payment).slice(1)).toEqual([
      [PAYER, 'loss'],
      ['service', 'loss'],
    ])
  })

  it('is none of a payer who was asked to pay first: nobody had worked', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a', { moneyFirst: true }), HOME)
    world.settle = async () => ({ kind: 'unknown', cause: 'reverted' })
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    expect(world.marks).toEqual([])
  })

  it('is told again by the alarm when nobody could be told', async () => {
    world.answers = false
    const payment = await leaveOpen()
    expect(listed()).toEqual([])
    world.answers = true
    await runDurableObjectAlarm(payment.stub)
    expect(listed()).toMatchObject([{ state: 'unknown' }])
    expect(marksOf(payment)).toEqual([[PAYER, 'open']])
  })

  it('is told once, however often it is looked for', async () => {
    const payment = await leaveOpen()
    await runDurableObjectAlarm(payment.stub)
    await runDurableObjectAlarm(payment.stub)
    expect(marksOf(payment)).toHaveLength(1)
  })
})

describe('a loss', () => {
  it('stays one when the same challenge is signed again, and comes to nothing without work', async () => {
    const payment = await leaveOpen()
    world.find = async () => ({ kind: 'dead', reason: 'transaction_expired' })
    await payment.ledger.settle()
    const again = { ...payment.credential, digest: 'signed again', transaction: '0xb' }
    const claim = await payment.ledger.claim(again, orderOf('a', { moneyFirst: true }), HOME)
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    await runDurableObjectAlarm(payment.stub)
    expect(marksOf(payment).at(-1)).toEqual(['service', 'loss'])
  })

  it('is told although its row was replaced before anybody could be told', async () => {
    world.answers = false
    const payment = await leaveOpen()
    world.find = async () => ({ kind: 'dead', reason: 'transaction_expired' })
    await payment.ledger.settle()
    world.answers = true
    await payment.ledger.claim({ ...payment.credential, digest: 'signed again' }, orderOf('a'), HOME)
    await vi.waitUntil(() => marksOf(payment).length > 0)
    expect(marksOf(payment)).toContainEqual([PAYER, 'loss'])
  })
})

describe('work that is owed', () => {
  it('stands on the list until it is done', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    await payment.ledger.fail(await claimWork(payment), failure)
    expect(listed()).toMatchObject([
      { state: 'owed', transaction: '0xabc', owedUntil: new Date(start + OWED_MS).toISOString() },
    ])
    await payment.ledger.complete(await claimWork(payment, 'b'), resultAt('results/b'))
    await payment.ledger.settle()
    expect(listed()).toEqual([])
  })

  it('stands there also when nobody came back after the money was collected', async () => {
    const payment = openPayment()
    const claim = await payment.ledger.claim(payment.credential, orderOf('a', { moneyFirst: true }), HOME)
    await payment.ledger.settle(claim.kind === 'settle' ? claim.claimId : undefined)
    await runDurableObjectAlarm(payment.stub)
    expect(listed()).toMatchObject([{ state: 'owed' }])
    vi.setSystemTime(start + OWED_MS + 1)
    await runDurableObjectAlarm(payment.stub)
    expect(listed()).toEqual([])
  })
})

describe('owed work that was abandoned', () => {
  it('is taken off the list when its 24 hours are over', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7, receipt })
    await claimWork(payment)
    vi.setSystemTime(start + LEASE_MS + 2)
    await runDurableObjectAlarm(payment.stub)
    expect(listed()).toMatchObject([{ state: 'owed' }])
    expect(await payment.readAlarm()).toBe(start + OWED_MS + 1)
    vi.setSystemTime(start + OWED_MS + 1)
    await runDurableObjectAlarm(payment.stub)
    expect(listed()).toEqual([])
  })
})

describe('work that its client abandoned', () => {
  it('counts as a failure of its payer and its address, whoever notices', async () => {
    const found = openPayment()
    const claimId = await claimWork(found)
    vi.setSystemTime(start + LEASE_MS + 2)
    await runDurableObjectAlarm(found.stub)
    const both = (id: string) => [PAYER, 'address home'].map((name) => ({ name, id, mark: 'failure' }))
    expect(world.marks).toEqual(both(claimId))

    const overtaken = openPayment()
    const first = await claimWork(overtaken)
    vi.setSystemTime(start + 2 * LEASE_MS + 4)
    await claimWork(overtaken, 'b')
    expect(world.marks.slice(2)).toEqual(both(first))
  })

  it('is held against nobody while the payer is not proven: anyone can name anyone', async () => {
    const payment = openPayment()
    world.verify = async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: null, height: 7, moneyFirst: true })
    expect(await payment.ledger.admit(payment.credential, ask, HOME)).toMatchObject({ payer: null })
    await payment.ledger.claim(payment.credential, orderOf('a'), NOBODY)
    vi.setSystemTime(start + LEASE_MS + 2)
    await runDurableObjectAlarm(payment.stub)
    expect(world.marks).toEqual([])
  })

  it('row 18: counts so too when its result was kept, and the payment ended without being sent', async () => {
    const payment = openPayment()
    await work(payment)
    vi.setSystemTime(start + 181_000)
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    await runDurableObjectAlarm(payment.stub)
    await runDurableObjectAlarm(payment.stub)
    expect(world.asked).toEqual(['verify', 'find'])
    expect(marksOf(payment)).toEqual([[PAYER, 'failure']])
    expect(world.deleted).toEqual(['results/1'])
  })
})
