import { now } from '../clock.ts'
import type { ErrorCode } from '../errors.ts'
import type { Ask, Credential, Receipt, Terms } from './protocol.ts'
import type { StoredResult } from './result-store.ts'
import type { Mark } from './standing.ts'

/**
 * A worker's hold on a payment: renewed every 5 s while it works, taken over when it lapses. Shorter than the longest
 * wait of a caller, so that who hung up and comes back waits once.
 */
export const LEASE_MS = 15_000
export const RENEWAL_MS = 5_000
/** The longest a caller waits for another who works on the same payment. */
export const JOIN_MS = 25_000
/** After the end of an authorization, the chain has surely made a block that is past it. */
export const DEAD_MARGIN_MS = 60_000
/** When others are told again what they could not be told. */
export const TELL_AGAIN_MS = 60_000
/** How long a settled result is kept for replays. */
export const RESULT_LIFE_MS = 24 * 60 * 60 * 1000
/** How long a payment whose money is taken and whose work failed may be worked for again, free. */
export const OWED_MS = 24 * 60 * 60 * 1000
/** When the chain is asked once more about a settled payment: by then a block that was taken back is gone. */
export const SECOND_LOOK_MS = 2 * 60 * 1000

export interface Known {
  readonly credential: Credential
  /** Who pays, where that was proven before the money moved. */
  readonly payer: string | null
  readonly terms: Terms
  /** The request that the payment is for: hash of method, route, options and body; null until its body has come. */
  readonly fingerprint: string | null
  /** Method and route of the request, such as `POST /v1/remove-background`. */
  readonly route: string
  /** Block height when the payment was first seen: its events cannot be older. */
  readonly height: number
  /** When the payment was first claimed; milliseconds since the epoch. */
  readonly since: number
  /** When it was first sent; null as long as it was not. */
  readonly sentAt: number | null
  /** Hash of the address that first claimed it; null where that proves nothing. */
  readonly address: string | null
  readonly addressRecord: string | null
  /** Hashes of every Idempotency-Key that its request came with. */
  readonly idempotencyKeys: readonly string[]
  /** Its work goes on after the answer: whoever does it collects, or gives the payment back. */
  readonly isDeferred: boolean
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
        /** Whether the chain has been asked once more; `lost`: it has taken the payment back since. */
        readonly secondLook: 'due' | 'done' | 'lost'
      }
    /** `result` is what is still to be deleted; `mark` what its payer has to answer for: work that was kept in vain. */
    | {
        readonly state: 'refused'
        readonly reason: string
        readonly result: StoredResult | null
        readonly mark: Exclude<Mark, 'open'> | null
      }
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

/** What is to be paid for, and how. */
export interface Order {
  readonly ask: Ask
  /** Identifies the request; that of calls that share a payment is one. */
  readonly fingerprint: string
  /** Whether other requests have that fingerprint: their failures are not this one's. */
  readonly isShared: boolean
  /** How long the work is expected to take: a payment that ends sooner is collected first. */
  readonly workSeconds: number
  /** Collect before the work, whatever the payment's own terms. */
  readonly moneyFirst: boolean
}

/** Whether the ledger will hear a credential. Nobody has worked yet. */
export type Admission =
  /** `needsWork`: there is no result of it yet, and nobody at work. `payer`: who pays, where that is proven. */
  | { readonly kind: 'admitted'; readonly needsWork: boolean; readonly payer: string | null }
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
  /** Nothing was sent: another payment has taken the Idempotency-Key over. */
  | { readonly kind: 'superseded' }

/** What pays for the request of an Idempotency-Key. */
export interface Recalled {
  readonly credential: Credential
  /** Its money is taken and there is no result: it may buy another request. */
  readonly isOwed: boolean
}

/** What is still to be collected, and from whom, where that is proven. */
export interface Due {
  readonly payer: string
  /** Atomic units of the asset. */
  readonly amount: string
}

/** What a caller who shows a payment and a whole request has to do. */
export type Claim =
  /** Do the work, then report under this claim. */
  | { readonly kind: 'work'; readonly claimId: string; readonly due: Due | null }
  /** Collect: the work is done, or (with a claim) the money comes first. */
  | { readonly kind: 'settle'; readonly claimId?: string }
  | (Outcome & { readonly kind: 'settled' })
  /** Its work goes on, and will be collected when it has succeeded. */
  | { readonly kind: 'authorized'; readonly result: StoredResult }
  /** The payment has bought another request. */
  | { readonly kind: 'conflict'; readonly transaction?: string }
  /** Somebody else is still at it after the longest wait. */
  | { readonly kind: 'in_progress' }
  /** Somebody else did this very work at the same time, and it failed. */
  | { readonly kind: 'failed'; readonly failure: Failure }
  | Exclude<Admission, { kind: 'admitted' }>

/** The members that every row has, without those of its state. */
export function knownOf({
  credential,
  payer,
  terms,
  fingerprint,
  route,
  height,
  since,
  sentAt,
  address,
  addressRecord,
  idempotencyKeys,
  isDeferred,
  transactions,
}: Known): Known {
  const facts = { credential, payer, terms, fingerprint, route, height, since, sentAt, transactions }
  return { ...facts, address, addressRecord, idempotencyKeys, isDeferred }
}

/** Who has paid, or will, where that is proven: by the chain where the money has moved, else by the signature. */
export function payerOf(row: LedgerRow): string | null {
  if ('paid' in row && row.paid) return row.paid.receipt.payer
  return row.state === 'settled' ? row.receipt.payer : row.payer
}

/** Method and route of what is asked for, as rows and lists name it. */
export const routeOf = ({ method, route }: Ask): string => `${method} ${route}`

/** Paid for, with a result that is kept for a day. */
export const toSettled = (known: Known, result: StoredResult, receipt: Receipt): RowIn<'settled'> => ({
  ...knownOf(known),
  state: 'settled',
  ...{ result, receipt, resultUntil: now() + RESULT_LIFE_MS, secondLook: 'due' },
})

export const toOutcome = ({ receipt, result, resultUntil }: RowIn<'settled'>) =>
  ({ kind: 'settled', receipt, result, resultUntil }) as const

/** Whether nobody works under this claim any more, or so slowly that the answer will be refused. */
export const isOver = (row: RowIn<'claimed'>): boolean => row.leaseUntil < now()

/**
 * Whether a claim may begin over this row: its worker is gone; or it ended for good, and the same challenge was paid
 * anew with other signed bytes.
 */
export function isReplaceable(row: LedgerRow, { claimant, digest }: Credential): boolean {
  if (row.state === 'claimed') return isOver(row) && row.paid === undefined
  return row.state === 'refused' && row.credential.claimant === claimant && row.credential.digest !== digest
}

/** The keys of a payment, with that of whoever shows it now. */
export const keysOf = (row: Known | undefined, { idempotencyKey }: { idempotencyKey: string | null }): string[] => [
  ...new Set([...(row?.idempotencyKeys ?? []), ...(idempotencyKey === null ? [] : [idempotencyKey])]),
]

/** Every transaction that was shown for a payment, with the one that is shown now. */
export const transactionsOf = (row: Known | undefined, { transaction }: Credential): string[] => [
  ...new Set([...(row?.transactions ?? []), ...(transaction === null ? [] : [transaction])]),
]

/** What a row says to whoever shows an Idempotency-Key alone, or another payment with it. */
export function recallFrom(row: LedgerRow | undefined, idempotencyKey: string): Recalled | null {
  if (!row?.idempotencyKeys.includes(idempotencyKey) || row.state === 'refused') return null
  if (row.state === 'claimed' && isOver(row) && !row.paid) return null
  return { credential: row.credential, isOwed: row.state === 'owed' }
}
