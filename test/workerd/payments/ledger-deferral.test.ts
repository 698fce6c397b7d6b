import { runDurableObjectAlarm } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { DEAD_MARGIN_MS } from '../../../src/payments/ledger-row.ts'
import { world } from '../worker.ts'
import {
  claimWork,
  HOME,
  NOBODY,
  openPayment,
  orderOf,
  receipt,
  resultAt,
  start,
  useScriptedWorld,
} from './scripted-payment.ts'

useScriptedWorld()

const result = resultAt('results/1')

/** A payment whose work goes on after its answer. */
async function defer() {
  const payment = openPayment()
  await payment.ledger.complete(await claimWork(payment), result, true)
  const claim = (fingerprint = 'a') => payment.ledger.claim(payment.credential, orderOf(fingerprint), HOME)
  return { ...payment, claim }
}

describe('a payment that waits for the end of its work', () => {
  it('answers the same request again, and is not collected by it', async () => {
    const { claim } = await defer()
    expect(await claim()).toEqual({ kind: 'authorized', result })
    expect(world.asked).toEqual(['verify'])
  })

  it('buys nothing else meanwhile', async () => {
    const { claim } = await defer()
    expect(await claim('b')).toEqual({ kind: 'conflict' })
  })

  it('is collected once by the end of its work, however often it ends', async () => {
    const { ledger, claim } = await defer()
    for (let i = 0; i < 2; i += 1) expect(await ledger.collectFor(result.key)).toMatchObject({ kind: 'settled' })
    expect(world.asked.filter((question) => question === 'settle')).toHaveLength(1)
    expect(await claim()).toMatchObject({ kind: 'settled', result })
    expect(world.letGo).toContain(result.key)
  })

  it('stays open while nobody knows whether it was collected, and what was sent is found on chain', async () => {
    const { ledger, claim } = await defer()
    world.settle = async () => ({ kind: 'unknown', cause: 'it went silent' })
    world.find = async () => ({ kind: 'unknown', cause: 'no node' })
    expect(await ledger.collectFor(result.key)).toEqual({ kind: 'open' })
    expect(await claim()).toEqual({ kind: 'authorized', result })
    expect(world.letGo).toEqual([])
    world.find = async () => ({
      kind: 'paid',
      receipt: { transaction: '0xf', network: '', payer: '0x1', amount: '5', at: 0 },
    })
    expect(await ledger.collectFor(result.key)).toMatchObject({ kind: 'settled' })
    expect(world.asked.filter((question) => question === 'settle')).toHaveLength(1)
  })

  it('is refused when the chain says that it can never come', async () => {
    const { ledger } = await defer()
    world.settle = async () => ({ kind: 'unknown', cause: 'reverted' })
    world.find = async () => ({ kind: 'dead', reason: 'authorization_cancelled' })
    expect(await ledger.collectFor(result.key)).toEqual({ kind: 'refused', reason: 'authorization_cancelled' })
    expect(world.letGo).toContain(result.key)
  })

  it('is unspent again when its work has failed', async () => {
    const { ledger, readRow, claim } = await defer()
    await ledger.giveBack(result.key, false)
    expect([await readRow(), world.deleted, world.letGo]).toEqual([undefined, [result.key], [result.key]])
    expect(await claim('b')).toMatchObject({ kind: 'work' })
  })

  it('is held against its payer where the request is why the work has failed', async () => {
    const { ledger } = await defer()
    await ledger.giveBack(result.key, true)
    expect(world.marks).toEqual(
      ['payer 0x1', 'address home'].map((name) => ({ name, id: result.key, mark: 'failure' })),
    )
  })

  it('is not given back when its payer has sent it: what was paid for is owed', async () => {
    const { ledger, claim } = await defer()
    world.find = async () => ({ kind: 'paid', receipt })
    expect([await ledger.giveBack(result.key, true), world.marks]).toEqual([[], []])
    expect([await claim(), world.deleted]).toMatchObject([{ kind: 'settled', result }, []])
  })

  it('is given back when the chain cannot be asked', async () => {
    const { ledger, readRow } = await defer()
    world.find = async () => ({ kind: 'unknown', cause: 'no node' })
    expect([await ledger.giveBack(result.key, false), await readRow()]).toEqual([null, undefined])
  })

  it('is not given back once somebody has sent it: the chain decides', async () => {
    const { ledger, readRow } = await defer()
    world.settle = async () => ({ kind: 'unknown', cause: 'it went silent' })
    world.find = async () => ({ kind: 'unknown', cause: 'no node' })
    await ledger.collectFor(result.key)
    await ledger.giveBack(result.key, false)
    expect(await readRow()).toMatchObject({ state: 'unknown' })
  })

  it('keeps what it has bought since when older work ends', async () => {
    const payment = await defer()
    const { ledger, readRow } = payment
    await ledger.giveBack(result.key, false)
    await ledger.complete(await claimWork(payment, 'b'), resultAt('results/2'), true)
    await ledger.giveBack(result.key, false)
    expect(await ledger.collectFor(result.key)).toMatchObject({ kind: 'refused' })
    expect(await readRow()).toMatchObject({ state: 'worked', result: { key: 'results/2' } })
    expect(world.asked).not.toContain('settle')
  })

  it('dies uncollected when its work never ends', async () => {
    const { stub, ledger } = await defer()
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    vi.setSystemTime(start + 120_000 + DEAD_MARGIN_MS)
    await runDurableObjectAlarm(stub)
    expect(await ledger.collectFor(result.key)).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    expect(world.asked).not.toContain('settle')
  })

  it('that was collected before its work does not wait', async () => {
    const { ledger, credential, readRow } = openPayment()
    const first = await ledger.claim(credential, orderOf('a', { moneyFirst: true }), HOME)
    if (first.kind !== 'settle') throw new Error(first.kind)
    await ledger.settle(first.claimId)
    const claim = await ledger.claim(credential, orderOf('a'), HOME)
    if (claim.kind !== 'work') throw new Error(claim.kind)
    expect(claim.due).toBeNull()
    await ledger.complete(claim.claimId, result, true)
    expect(await readRow()).toMatchObject({ state: 'settled' })
  })

  it('tells nobody else of what it is for once it is collected', async () => {
    const { ledger, credential } = await defer()
    await ledger.collectFor(result.key)
    expect(await ledger.claim({ ...credential, proof: null }, orderOf('a'), NOBODY)).toEqual({ kind: 'used' })
  })
})
