import type { ErrorCode } from '../errors.ts'
import type { Credential, Receipt, Terms } from './protocol.ts'
import type { StoredResult } from './result-store.ts'

/** A worker's hold on a payment: renewed every 10 s while it works, taken over when it lapses. */
export const LEASE_MS = 30_000
export const RENEWAL_MS = 10_000
/** How long a settled result is kept for replays. */
export const RESULT_LIFE_MS = 24 * 60 * 60 * 1000

interface Known {
  readonly credential: Credential
  readonly terms: Terms
  /** The request that the payment is for: hash of method, route, options and body. */
  readonly fingerprint: string
  /** Block height when the payment was first seen: its events cannot be older. */
  readonly height: number
  /** Counts the claims. What an older claim reports is refused. */
  readonly fence: number
}

/**
 * What the ledger knows about one payment; `payments/README.md` has the table of states and events. A row is written
 * before what it announces happens, so that after a crash the row is at least as far as the world.
 */
export type LedgerRow = Known &
  (
    | { readonly state: 'claimed'; readonly leaseUntil: number }
    | { readonly state: 'worked'; readonly result: StoredResult }
    /** Written before anything is sent. Found by a fresh object: outcome unknown. */
    | { readonly state: 'settling'; readonly result: StoredResult }
    | { readonly state: 'unknown'; readonly result: StoredResult; readonly cause: string }
    | {
        readonly state: 'settled'
        readonly result: StoredResult
        readonly receipt: Receipt
        readonly resultUntil: number
      }
    | { readonly state: 'refused'; readonly reason: string }
  )

export type RowIn<State extends LedgerRow['state']> = Extract<LedgerRow, { state: State }>
/** Work is done; whether it is paid for is open. */
export type OpenRow = RowIn<'worked' | 'settling' | 'unknown'>

/** Why the work gave no result: an `ApiError` as plain data, for those who waited for the same work. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly retryAfter?: number
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
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'pending' }

/** What a caller who shows a payment and a whole request has to do. */
export type Claim =
  /** Do the work, then report under this fence. */
  | { readonly kind: 'work'; readonly fence: number }
  /** The work is done and not paid for: settle. */
  | { readonly kind: 'settle' }
  | (Outcome & { readonly kind: 'settled' })
  /** The payment has bought another request. */
  | { readonly kind: 'conflict'; readonly transaction?: string }
  /** Somebody else is still at it after the longest wait. */
  | { readonly kind: 'in_progress' }
  /** Somebody else did this very work at the same time, and it failed. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  | Exclude<Admission, { kind: 'admitted' }>

/** The members that every row with a result has, without those of its state. */
export function factsOf(row: OpenRow) {
  const { credential, terms, fingerprint, height, fence, result } = row
  return { credential, terms, fingerprint, height, fence, result }
}

export const toOutcome = ({ receipt, result, resultUntil }: RowIn<'settled'>) =>
  ({ kind: 'settled', receipt, result, resultUntil }) as const
