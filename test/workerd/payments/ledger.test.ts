import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LEASE_MS, type LedgerRow, RESULT_LIFE_MS } from '../../../src/payments/ledger-row.ts'
import type { Ask, Credential, Receipt } from '../../../src/payments/protocol.ts'
import type { LedgerClient } from '../../../src/payments/require-payment.ts'
import { world } from '../worker.ts'

const start = Date.parse('2026-11-01T12:00:00Z')
const ask: Ask = {
  method: 'POST',
  route: '/v1/remove-background',
  resource: 'https://pixtoll.example/v1/remove-background',
  description: '',
  mimeType: 'image/png',
  price: '0.05',
}
const receipt: Receipt = { transaction: '0xabc', network: 'eip155:84532', payer: '0x1', amount: '50000' }
const resultAt = (key: string) => ({ key, status: 200 as const, headers: {}, size: 3 })

let count = 0
/** A ledger object of its own, with a credential for it. */
function openPayment() {
  count += 1
  const key = `scripted:${count}`
  const stub = (env as unknown as { LEDGER: DurableObjectNamespace }).LEDGER.getByName(key)
  const credential: Credential = {
    protocol: 'scripted',
    key,
    digest: `signed ${count}`,
    payer: '0x1',
    validBefore: start / 1000 + 120,
    envelopes: ['v2'],
    payload: null,
  }
  const ledger = stub as unknown as LedgerClient
  const readRow = () => runInDurableObject(stub, (_, { storage }) => storage.kv.get<LedgerRow>('row'))
  return { stub, ledger, credential, readRow }
}
type Payment = ReturnType<typeof openPayment>

/** Claims for the request `a` and does its work. */
async function work({ ledger, credential }: Payment, result = resultAt('results/1')): Promise<void> {
  const claim = await ledger.claim(credential, ask, 'a')
  expect(claim).toEqual({ kind: 'work', fence: 1 })
  expect(await ledger.complete(1, result)).toBe(true)
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: start })
  Object.assign(world, {
    asked: [],
    deleted: [],
    verify: async () => ({ kind: 'valid', terms: { amount: '50000' }, height: 7 }),
    settle: async () => ({ kind: 'settled', receipt }),
    find: async () => ({ kind: 'unused' }),
  })
})
afterEach(() => vi.useRealTimers())

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
    expect(await payment.ledger.claim(payment.credential, ask, 'a')).toEqual({ kind: 'settle' })
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
    const { ledger, credential, readRow } = await leaveOpen()
    world.find = async () => ({ kind: 'dead', reason: 'authorization_expired' })
    expect(await ledger.settle()).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    expect(world.deleted).toEqual(['results/1'])
    expect(await readRow()).toMatchObject({ state: 'refused' })
    expect(await ledger.admit(credential, ask)).toEqual({ kind: 'refused', reason: 'authorization_expired' })
    expect(await ledger.claim(credential, ask, 'a')).toEqual({ kind: 'refused', reason: 'authorization_expired' })
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

describe('a settlement', () => {
  it('is written down before it is sent', async () => {
    const payment = openPayment()
    await work(payment)
    await payment.ledger.settle()
    expect(world.stateWhenSent).toBe('settling')
  })

  it('happens once, however many ask for it', async () => {
    const payment = openPayment()
    await work(payment)
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => payment.ledger.settle()))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ kind: 'settled', receipt })
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
