import type { OpenIdempotencyKey } from '../../src/payments/idempotency-key.ts'
import { Ledger } from '../../src/payments/ledger.ts'
import type { LedgerRow } from '../../src/payments/ledger-row.ts'
import type { OpenPayment, OpenPayments } from '../../src/payments/open-payments.ts'
import type { Finding, PaymentProtocol, Settlement, Verdict } from '../../src/payments/protocol.ts'
import { goodConduct, type Mark, type OpenStanding } from '../../src/payments/standing.ts'

export { DailyCap } from '../../src/hosting/daily-cap-object.ts'
export { UploadToken } from '../../src/hosting/upload-token-object.ts'
export { IdempotencyKey } from '../../src/payments/idempotency-object.ts'
export { Standing } from '../../src/payments/standing-object.ts'
export { TestGeneration } from './generation/scripted-upstream.ts'

/** What the outside says when the ledger asks. Tests set it; every question is written down in `asked`. */
export const world = {
  asked: [] as string[],
  deleted: [] as string[],
  /** Every mark that was put or cleared: `name`, `id` and what. */
  marks: [] as { name: string; id: string; mark: Mark | null }[],
  /** What is not held any more. */
  letGo: [] as string[],
  /** The operator's list. */
  open: new Map<string, OpenPayment>(),
  /** Whether the list and the records of standing answer. */
  answers: true,
  /** What whoever is asked about a key waits for. */
  gate: Promise.resolve(),
  /** The payment that each Idempotency-Key stands for. */
  holders: new Map<string, string>(),
  /** Whether the store deletes when it is asked to. */
  deletes: true,
  /** State of the row on disk at the moment when the settlement is sent. */
  stateWhenSent: undefined as string | undefined,
  verify: async (): Promise<Verdict> => ({ kind: 'valid', terms: { amount: '50000' }, payer: '0x1', height: 7 }),
  settle: async (): Promise<Settlement> => ({ kind: 'unknown', cause: 'no answer set' }),
  find: async (): Promise<Finding> => ({ kind: 'unused' }),
}

const createProtocol = (storage: DurableObjectStorage): PaymentProtocol => ({
  name: 'scripted',
  describe: () => ({ facts: {} }),
  challenge: async () => ({ headers: [], body: {} }),
  read: () => null,
  verify: async () => {
    world.asked.push('verify')
    return world.verify()
  },
  settle: async () => {
    world.asked.push('settle')
    world.stateWhenSent = storage.kv.get<LedgerRow>('row')?.state
    return world.settle()
  },
  find: async () => {
    world.asked.push('find')
    return world.find()
  },
  needsSeconds: (workSeconds) => workSeconds + 5,
  receiptHeaders: () => [],
})

/** The real ledger over that world. */
export class TestLedger extends Ledger {
  constructor(ctx: DurableObjectState, env: Env) {
    const results = {
      put: async () => {},
      begin: () => Promise.reject(new Error('nothing here is that large')),
      open: async () => null,
      delete: async (key: string) => {
        if (!world.deletes) throw new Error('the store is down')
        world.deleted.push(key)
      },
    }
    const assertAnswers = () => {
      if (!world.answers) throw new Error('nobody answers')
    }
    const openStanding: OpenStanding = (name) => ({
      async mark(id, mark) {
        assertAnswers()
        world.marks.push({ name, id, mark })
      },
      async clear(id) {
        assertAnswers()
        world.marks.push({ name, id, mark: null })
      },
      read: async () => goodConduct,
      hold: async () => ({ isHeld: true, held: '0' }),
      async letGo(id) {
        assertAnswers()
        world.letGo.push(id)
      },
    })
    const openPayments: OpenPayments = {
      async put(payment) {
        assertAnswers()
        world.open.set(payment.payment, payment)
      },
      async delete(payment) {
        world.open.delete(payment)
      },
      list: async () => ({ payments: [...world.open.values()], cursor: null }),
    }
    const openIdempotencyKey: OpenIdempotencyKey = (hash) => ({
      read: async () => null,
      bind: async () => {
        throw new Error('the ledger binds no keys')
      },
      send: async (payment) => {
        assertAnswers()
        world.asked.push('key')
        await world.gate
        return (world.holders.get(hash) ?? payment) === payment
      },
    })
    const protocols = [createProtocol(ctx.storage)]
    super(ctx, env, { protocols, results, openStanding, openPayments, openIdempotencyKey })
  }
}

export default { fetch: () => new Response(null, { status: 404 }) }
