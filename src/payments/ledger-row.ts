import type { ErrorCode } from '../errors.ts'
import type { Credential, Receipt, Terms } from './protocol.ts'
import type { StoredResult } from './result-store.ts'

/** A worker's hold on a payment: renewed every 10 s while it works, taken over when it lapses. */
export const LEASE_MS = 30_000
export const RENEWAL_MS = 10_000
/** How long a settled result is kept for replays. */
export const RESULT_LIFE_MS = 24 * 60 * 60 * 1000
/** How long a payment whose money is taken and whose work failed may be worked for again, free. */
export const OWED_MS = 24 * 60 * 60 * 1000

interface Known {
  readonly credential: Credential
  readonly terms: Terms
  /** The request that the payment is for: hash of method, route, options and body. */
  readonly fingerprint: string
  /** Block height when the payment was first seen: its events cannot be older. */
  readonly height: number
  /** When the payment was first claimed; milliseconds since the epoch. */
  readonly since: number
  /** Hash of the address that first claimed it; null where that proves nothing. */
  readonly address: string | null
  /** Every transaction that was shown for this payment, where a protocol shows them; a challenge may be signed again. */
  readonly transactions: readonly string[]
}

/** Money that was taken before there was a result: until then we owe the work. */
export interface Paid {
  readonly receipt: Receipt
  readonly owedUntil: number
}

/**
 * What the ledger knows about one payment; `payments/README.md` has the table of states and events. A row is written
 * before what it announces happens, so that after a crash the row is at least as far as the world.
 */
export type LedgerRow = Known &
  (
    | {
        readonly state: 'claimed'
        /** Random: what an older claim reports is refused. */
        readonly claimId: string
        readonly leaseUntil: number
        readonly paid?: Paid
      }
    | { readonly state: 'owed'; readonly paid: Paid }
    | { readonly state: 'worked'; readonly result: StoredResult }
    /** Written before anything is sent. Found by a fresh object: outcome unknown. `result` null: money first. */
    | { readonly state: 'settling'; readonly result: StoredResult | null }
    | { readonly state: 'unknown'; readonly result: StoredResult | null; readonly cause: string }
    | {
        readonly state: 'settled'
        readonly result: StoredResult
        readonly receipt: Receipt
        readonly resultUntil: number
      }
    /** `result` is what is still to be deleted. */
    | { readonly state: 'refused'; readonly reason: string; readonly result: StoredResult | null }
  )

export type RowIn<State extends LedgerRow['state']> = Extract<LedgerRow, { state: State }>
/** Whether it is paid for is open. */
export type OpenRow = RowIn<'worked' | 'settling' | 'unknown'>

/** Why the work gave no result: an `ApiError` as plain data, for those who waited for the same work. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfter?: number
  /** The money is taken: the same payment may be worked for again until then. */
  readonly owedUntil?: number
}

/** Whether the ledger will hear a credential. Nobody has worked yet. */
export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'used' }
  | { readonly kind: 'unavailable'; readonly cause: string }

/** How a settlement stands. */
export type Outcome =
  | { readonly kind: 'settled'; readonly receipt: Receipt; readonly result: StoredResult; readonly resultUntil: number }
  /** Collected before the work: claim again, and work. */
  | { readonly kind: 'owed' }
  | { readonly kind: 'refused'; readonly reason: string }
  /** Sent; whether it arrived is not known. */
  | { readonly kind: 'pending' }
  /** Nothing was sent, since the chain could not be asked. */
  | { readonly kind: 'unavailable'; readonly cause: string }

/** What a caller who shows a payment and a whole request has to do. */
export type Claim =
  /** Do the work, then report under this claim. */
  | { readonly kind: 'work'; readonly claimId: string }
  /** Collect: the work is done, or (with a claim) the money comes first. */
  | { readonly kind: 'settle'; readonly claimId?: string }
  | (Outcome & { readonly kind: 'settled' })
  /** The payment has bought another request. */
  | { readonly kind: 'conflict'; readonly transaction?: string }
  /** Somebody else is still at it after the longest wait. */
  | { readonly kind: 'in_progress' }
  /** Somebody else did this very work at the same time, and it failed. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  | Exclude<Admission, { kind: 'admitted' }>

/** The members that every row has, without those of its state. */
export function knownOf({ credential, terms, fingerprint, height, since, address, transactions }: LedgerRow): Known {
  return { credential, terms, fingerprint, height, since, address, transactions }
}

export const toOutcome = ({ receipt, result, resultUntil }: RowIn<'settled'>) =>
  ({ kind: 'settled', receipt, result, resultUntil }) as const
