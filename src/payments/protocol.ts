import type { Price } from '../price.ts'

export type { Price }

/** What a 402 asks payment for. Built from the request and configuration, never from what a credential claims. */
export interface Ask {
  readonly method: string
  /** The route's path as documented, such as `/v1/remove-background`. */
  readonly route: string
  /** Absolute URL of the route on the host that was asked, from configuration; carries no query. */
  readonly resource: string
  /** Name of that host. */
  readonly realm: string
  readonly description: string
  /** Media type of what is sold. */
  readonly mimeType: string
  readonly price: Price
  /** Work goes on after the answer, and the payment is collected when it has succeeded: it should live as long. */
  readonly isDeferred?: true
}

/** Why a 402 is answered: the code in `error` and the sentence in `message`. */
export interface Refusal {
  readonly error: string
  readonly message: string
}

/** One protocol's part of a 402: headers, and members of the shared JSON body. */
export interface Challenge {
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Readonly<Record<string, unknown>>
  /** The RFC 9457 problem that is the whole body where nothing else is offered. */
  readonly problem?: Readonly<Record<string, unknown>>
}

/**
 * A payer's proof as one protocol read it: plain data, since it crosses RPC and is kept in the ledger. It holds a
 * signature that can move money until it is used: never log one.
 */
export interface Credential {
  /** Name of the protocol that read it; only that protocol understands `payload`. */
  readonly protocol: string
  /** The ledger key: identifies the payment by what was signed, whatever envelope carried it. */
  readonly key: string
  /** Identifies the exact signed bytes: two credentials with one digest get one verdict. */
  readonly digest: string
  /** Whoever shows the same claimant has the same payment; anyone else gets nothing of what it bought. */
  readonly claimant: string
  /** What its payer alone knows and what is never on chain, or its hash; null where the envelope holds nothing such. */
  readonly proof: string | null
  /** The client's own name for the request, where the envelope carries one: the same as an Idempotency-Key. A secret. */
  readonly idempotencyKey: string | null
  readonly payer: string
  /** The transaction that it is, where it is one before anything is sent; else null. */
  readonly transaction: string | null
  /** Unix seconds after which the chain can no longer take this payment. */
  readonly validBefore: number
  /** Which of the protocol's envelopes the request used; the receipt goes back the same way. */
  readonly envelopes: readonly string[]
  readonly payload: unknown
}

/** The terms that a verified payment was judged by. Kept in the ledger: later prices do not touch it. */
export interface Terms {
  /** Atomic units of the asset, as text. */
  readonly amount: string
}

export type Verdict =
  | {
      readonly kind: 'valid'
      readonly terms: Terms
      /** Who pays, where that is proven; null: the chain alone can tell. Failures are held against proven payers only. */
      readonly payer: string | null
      /** Block height at the verdict. */
      readonly height: number
      /** The money moved before we saw the credential: the work is owed. */
      readonly receipt?: Receipt
      /** Collect before the work: what was checked now may not hold later. */
      readonly moneyFirst?: boolean
    }
  /** Surely no money for us: answered 402 with the reason. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Already spent on chain before we ever saw it: answered 409. */
  | { readonly kind: 'used' }
  /** Facilitator or chain could not be asked; nothing was sent. */
  | { readonly kind: 'unavailable'; readonly cause: string }

/** Proof of a collected payment, in words that every protocol shares. */
export interface Receipt {
  /** The transaction that moved the money. */
  readonly transaction: string
  readonly network: string
  readonly payer: string
  /** Atomic units of the asset. */
  readonly amount: string
  /** When we learned of it; milliseconds since the epoch. */
  readonly at: number
}

/** What sending a settlement came to. Anything but `settled` says nothing about the money: ask the chain. */
export type Settlement =
  | { readonly kind: 'settled'; readonly receipt: Receipt }
  | { readonly kind: 'unknown'; readonly cause: string }

/** What the chain says about a payment. */
export type Finding =
  | { readonly kind: 'paid'; readonly receipt: Receipt }
  /** Cancelled, spent on another transfer, or unused in a block past its end: money can never come. */
  | { readonly kind: 'dead'; readonly reason: string }
  /** Not used so far and still valid: it may be sent (again). */
  | { readonly kind: 'unused' }
  /** The chain contradicts itself or could not be asked: nothing is known. */
  | { readonly kind: 'unknown'; readonly cause: string }

/** The request's header cannot be a credential. Answered 402 with `reason`; nobody is asked about it. */
export class CredentialError extends Error {
  override name = 'CredentialError'
  readonly reason: string
  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/**
 * A way to be paid over HTTP. One file in `protocols/` and one line in `protocols/index.ts` add one. Implementations
 * hold no state about payments: that is the ledger's.
 */
export interface PaymentProtocol {
  readonly name: string
  /** What discovery documents say about it: facts for directories, and its offer of a price where it has a form for one. */
  describe(price: Price): { readonly facts: object; readonly offer?: object }
  /** The protocol's part of a 402 for `ask`. */
  challenge(ask: Ask, refusal: Refusal): Promise<Challenge>
  /**
   * The credential that the request carries in this protocol's headers, or null. No I/O.
   * @throws CredentialError when there is a header but no credential can be read from it
   * @throws ApiError `header_too_large`, `ambiguous_payment`
   */
  read(headers: Headers): Credential | null
  /** Judges a payment that the ledger has never seen: first locally, then by asking. Sends nothing. Never throws. */
  verify(credential: Credential, ask: Ask): Promise<Verdict>
  /** Collects the payment. Safe to repeat: the chain takes one authorization once. Never throws. */
  settle(credential: Credential, terms: Terms): Promise<Settlement>
  /**
   * What the payer has, in atomic units of the asset. Protocols have it whose payments can wait for the end of work that
   * goes on after the answer.
   * @throws when the chain cannot be asked
   */
  readBalance?(credential: Credential): Promise<bigint>
  /** How many seconds a payment must have left to be collected after work of `workSeconds`; with less, money first. */
  needsSeconds(workSeconds: number): number
  /** Looks for the payment on chain, in blocks from `height` on. Never throws. */
  find(credential: Credential, terms: Terms, height: number): Promise<Finding>
  /** Response headers that hand the receipt to the payer, in the envelopes of `credential`. */
  receiptHeaders(receipt: Receipt, credential: Credential): readonly (readonly [string, string])[]
}
