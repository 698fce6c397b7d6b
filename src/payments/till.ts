import type { Ledger } from './ledger.ts'
import type { LedgerParts } from './ledger-parts.ts'
import type { Breaker, UnpaidLimit } from './limits.ts'
import type { Spool } from './upload.ts'

/** The ledger's objects as their callers see them: every method over RPC. */
export type LedgerClient = {
  [Method in
    | 'admit'
    | 'recall'
    | 'claim'
    | 'collectEarly'
    | 'renew'
    | 'fail'
    | 'complete'
    | 'settle'
    | 'collectFor'
    | 'giveBack']: (...parameters: Parameters<Ledger[Method]>) => Promise<Awaited<ReturnType<Ledger[Method]>>>
}

/** What taking payments needs; `src/index.ts` fills it. */
export interface Till extends LedgerParts {
  /** The ledger object of one payment key. */
  openLedger(key: string): LedgerClient
  readonly unpaidLimit: UnpaidLimit
  readonly breaker: Breaker
  readonly spool: Spool
}
