import { Ledger } from '../../src/payments/ledger.ts'
import type { LedgerRow } from '../../src/payments/ledger-row.ts'
import type { Finding, PaymentProtocol, Settlement, Verdict } from '../../src/payments/protocol.ts'

/** What the outside says when the ledger asks. Tests set it; every question is written down in `asked`. */
export const world = {
  asked: [] as string[],
  deleted: [] as string[],
  /** Whether the store deletes when it is asked to. */
  deletes: true,
  /** State of the row on disk at the moment when the settlement is sent. */
  stateWhenSent: undefined as string | undefined,
  verify: async (): Promise<Verdict> => ({ kind: 'valid', terms: { amount: '50000' }, height: 7 }),
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
      open: async () => null,
      delete: async (key: string) => {
        if (!world.deletes) throw new Error('the store is down')
        world.deleted.push(key)
      },
    }
    super(ctx, env, { protocols: [createProtocol(ctx.storage)], results })
  }
}

export default { fetch: () => new Response(null, { status: 404 }) }
