import type { Ledger } from './ledger.ts'
import type { PaymentProtocol } from './protocol.ts'
import type { ResultStore } from './result-store.ts'

/** The ledger's objects as their callers see them: every method over RPC. */
export type LedgerClient = {
  [Method in 'admit' | 'claim' | 'renew' | 'fail' | 'complete' | 'settle']: (
    ...parameters: Parameters<Ledger[Method]>
  ) => Promise<Awaited<ReturnType<Ledger[Method]>>>
}

/** What taking payments needs; `src/index.ts` fills it. */
export interface Till {
  readonly protocols: readonly PaymentProtocol[]
  /** The ledger object of one payment key. */
  openLedger(key: string): LedgerClient
  readonly results: ResultStore
}
