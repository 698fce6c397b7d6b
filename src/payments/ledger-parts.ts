import type { OpenIdempotencyKey } from './idempotency-key.ts'
import type { OpenPayments } from './open-payments.ts'
import type { PaymentProtocol } from './protocol.ts'
import type { ResultStore } from './result-store.ts'
import type { OpenStanding } from './standing.ts'

/** What the ledger needs of the world; `src/index.ts` fills it. */
export interface LedgerParts {
  readonly protocols: readonly PaymentProtocol[]
  readonly results: ResultStore
  readonly openIdempotencyKey: OpenIdempotencyKey
  readonly openStanding: OpenStanding
  readonly openPayments: OpenPayments
}
