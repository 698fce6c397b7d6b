/**
 * What is held against somebody. `failure`: work that gave nothing to charge for. `open`: work is kept and its
 * settlement failed, the chain has not said the last word. `loss`: work was done, and its payment can never come.
 */
export type Mark = 'failure' | 'open' | 'loss'

/** Somebody's conduct, as far as it decides about the next call. */
export interface Conduct {
  /** Seconds until another failure may be risked; 0: now. */
  readonly blockedFor: number
  /** A settlement failed after work within 24 h: the next call is paid before its work. */
  readonly mustPayFirst: boolean
  /** Atomic units lost within the last hour. */
  readonly lostInHour: number
}

/** The conduct of somebody against whom nothing is held. */
export const goodConduct: Conduct = { blockedFor: 0, mustPayFirst: false, lostInHour: 0 }

/** A record's object as its callers see it, over RPC. */
export interface StandingClient {
  /** Puts a mark; `id` names what it is for, and has one mark at most. `amount` in atomic units. */
  mark(id: string, mark: Mark, amount: string): Promise<void>
  /** Takes the mark of `id` away. */
  clear(id: string): Promise<void>
  read(): Promise<Conduct>
  /**
   * Holds an amount for work in flight, unless all that is held would exceed `most` then. Again does no harm. Answers
   * what is held for other work, too.
   * @param until milliseconds since the epoch after which nobody holds it any more
   */
  hold(
    id: string,
    amount: string,
    most: string,
    until: number,
  ): Promise<{ readonly isHeld: boolean; readonly held: string }>
  /** Nothing is held for `id` any more. */
  letGo(id: string): Promise<void>
}

/** Opens the record of a payer, of an address, or of the whole service. */
export type OpenStanding = (name: string) => StandingClient

/** Names of records. */
export const standingOf = {
  payer: (payer: string): string => `payer ${payer.toLowerCase()}`,
  service: 'service',
} as const

/** Names of the records that speak about a call: its payer's, where that is proven, and its address's. */
export const namesOfRecords = (payer: string | null, addressRecord: string | null): string[] => [
  ...(payer ? [standingOf.payer(payer)] : []),
  ...(addressRecord ? [`address ${addressRecord}`] : []),
]
