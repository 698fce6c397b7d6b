/** A payment that somebody should know of, as `GET /admin/payments` lists it. Holds nothing that could move money. */
export interface OpenPayment {
  /** The payment key. */
  readonly payment: string
  /**
   * `unknown`: sent, and nobody knows what it came to. `owed`: collected, and the work failed. `lost`: the result was
   * delivered, and the chain has taken its payment back.
   */
  readonly state: 'unknown' | 'owed' | 'lost'
  readonly payer: string
  /** Atomic units of the asset. */
  readonly amount: string
  /** The route that was paid for, such as `POST /v1/remove-background`. */
  readonly route: string
  /** When it was first claimed; ISO 8601. */
  readonly since: string
  /** The transaction that moved the money, where it is known. */
  readonly transaction?: string
  /** Until when we owe the work; ISO 8601. */
  readonly owedUntil?: string
  /** Why nobody knows. */
  readonly cause?: string
}

/** The list of open payments. The ledger owns this interface; `src/index.ts` fills it. */
export interface OpenPayments {
  /** Puts a payment on the list, or replaces what it says. */
  put(payment: OpenPayment): Promise<void>
  /** Takes a payment key off the list; one that is not on it does no harm. */
  delete(payment: string): Promise<void>
  /** One page, in the order of payment keys; `cursor` is the last one's, behind which the next page begins. */
  list(cursor?: string): Promise<{ readonly payments: readonly OpenPayment[]; readonly cursor: string | null }>
}
