import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { LedgerRow, Order } from '../../../src/payments/ledger-row.ts'
import type { Ask, Credential, Receipt } from '../../../src/payments/protocol.ts'
import type { Caller } from '../../../src/payments/replay-proof.ts'
import type { LedgerClient } from '../../../src/payments/till.ts'
import { world } from '../worker.ts'

/** When every test begins: later than the machine's clock, so that no alarm goes off by itself. */
export const start = Date.parse('2040-01-01T12:00:00Z')
export const ask: Ask = {
  method: 'POST',
  route: '/v1/remove-background',
  resource: 'https://pixtoll.example/v1/remove-background',
  realm: 'pixtoll.example',
  description: '',
  mimeType: 'image/png',
  price: '0.05',
}
export const receipt: Receipt = {
  transaction: '0xabc',
  network: 'eip155:84532',
  payer: '0x1',
  amount: '50000',
  at: start,
}
export const resultAt = (key: string) => ({ key, status: 200 as const, headers: {}, size: 3 })

let count = 0
/** A ledger object of its own, with a credential for it. */
export function openPayment() {
  count += 1
  const key = `scripted:${count}`
  const stub = (env as unknown as { LEDGER: DurableObjectNamespace }).LEDGER.getByName(key)
  const credential: Credential = {
    protocol: 'scripted',
    key,
    digest: `signed ${count}`,
    claimant: `claimant ${count}`,
    proof: `proof ${count}`,
    idempotencyKey: null,
    payer: '0x1',
    transaction: `0x${count}`,
    validBefore: start / 1000 + 120,
    envelopes: ['v2'],
    payload: null,
  }
  const ledger = stub as unknown as LedgerClient
  const readRow = () => runInDurableObject(stub, (_, { storage }) => storage.kv.get<LedgerRow>('row'))
  const readAlarm = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
  return { stub, ledger, credential, readRow, readAlarm }
}
export type Payment = ReturnType<typeof openPayment>

/** The payer at its usual address. */
export const HOME: Caller = { address: 'home', addressRecord: 'home', idempotencyKey: null }
/** Somebody whose address proves nothing. */
export const NOBODY: Caller = { address: null, addressRecord: null, idempotencyKey: null }

/** How long the work of these tests takes, in seconds. */
export const WORK_S = 10

/** An order for a request, which is named by its fingerprint. */
export const orderOf = (fingerprint: string, more: Partial<Order> = {}): Order => ({
  ask,
  fingerprint,
  isShared: false,
  workSeconds: WORK_S,
  moneyFirst: false,
  ...more,
})

/** Takes the payment for a request and expects to be sent to work. */
export async function claimWork({ ledger, credential }: Payment, fingerprint = 'a'): Promise<string> {
  const claim = await ledger.claim(credential, orderOf(fingerprint), HOME)
  if (claim.kind !== 'work') throw new Error(`claim says ${JSON.stringify(claim)}`)
  return claim.claimId
}

/** Claims for a request and does its work. */
export async function work(payment: Payment, result = resultAt('results/1'), fingerprint = 'a'): Promise<void> {
  expect(await payment.ledger.complete(await claimWork(payment, fingerprint), result)).toBe(true)
}

/** Sets the clock and a world in which everything succeeds, before each test of a file. */
export function useScriptedWorld(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: start })
    Object.assign(world, {
      asked: [],
      deleted: [],
      deletes: true,
      marks: [],
      letGo: [],
      open: new Map(),
      answers: true,
      gate: Promise.resolve(),
      holders: new Map(),
      stateWhenSent: undefined,
      verify: async () => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7 }),
      settle: async () => ({ kind: 'settled', receipt }),
      find: async () => ({ kind: 'unused' }),
    })
  })
  afterEach(() => vi.useRealTimers())
}
