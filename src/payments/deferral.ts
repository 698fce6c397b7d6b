import type { LedgerParts } from './ledger-parts.ts'
import type { LedgerRow, OpenRow, Outcome, RowIn } from './ledger-row.ts'
import type { Notices } from './notices.ts'
import type { RowStore } from './row-store.ts'
import type { Settlement } from './settlement.ts'
import { standingOf } from './standing.ts'

/** What collecting for work that has succeeded came to. */
export type Collected =
  /** `receipt`: the headers that hand it to the payer. */
  | { readonly kind: 'settled'; readonly receipt: readonly (readonly [string, string])[] }
  /** The money can never come. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Not known yet, or nobody could be asked: ask again. */
  | { readonly kind: 'open' }

/** What the end of deferred work needs of its ledger. */
export interface DeferralParts extends Pick<LedgerParts, 'results' | 'openStanding'> {
  settle(): Promise<Outcome>
  readonly settlement: Pick<Settlement, 'lookAgain'>
  readonly notices: Pick<Notices, 'markFailure'>
  receiptHeaders(row: RowIn<'settled'>): readonly (readonly [string, string])[]
}

/**
 * The end of work that went on after its answer. Whoever worked names the kept result that the payment was taken for, so
 * that the end of old work never touches what the same payment has bought since. Everything may be repeated.
 */
export class Deferral {
  readonly #store: RowStore
  readonly #parts: DeferralParts

  constructor(store: RowStore, parts: DeferralParts) {
    this.#store = store
    this.#parts = parts
  }

  #read(result: string): (OpenRow | RowIn<'settled'>) | undefined {
    const { row } = this.#store
    const isKept = row !== undefined && 'result' in row && row.state !== 'refused'
    return isKept && row.isDeferred && row.result?.key === result ? row : undefined
  }

  /** The work has succeeded: collects, or finds out what an earlier attempt came to. */
  async collect(result: string): Promise<Collected> {
    const found = this.#read(result)
    if (!found) return { kind: 'refused', reason: reasonOf(this.#store.row) }
    const outcome = await this.#parts.settle()
    const row = this.#read(result)
    if (outcome.kind === 'refused' || outcome.kind === 'superseded' || !row) {
      await this.#letGo(found, result)
      return { kind: 'refused', reason: outcome.kind === 'refused' ? outcome.reason : 'payment_withdrawn' }
    }
    if (row.state !== 'settled') return { kind: 'open' }
    await this.#letGo(row, result)
    return { kind: 'settled', receipt: this.#parts.receiptHeaders(row) }
  }

  /**
   * The work has failed: nothing is charged, and the payment is unspent again.
   * @param isTheirs whether the request is why, or has cost as much as work that succeeds
   * @returns the headers with the receipt when it was paid all the same, by the payer's own hand: the work is owed
   */
  async giveBack(result: string, isTheirs: boolean): Promise<readonly (readonly [string, string])[] | null> {
    const row = this.#read(result)
    if (!row) return null
    await this.#letGo(row, result)
    // Nobody here sends for work that is not done: if somebody has, the chain decides.
    if (row.state === 'worked') await this.#parts.settlement.lookAgain()
    const present = this.#read(result)
    if (present?.state === 'settled') return this.#parts.receiptHeaders(present)
    if (present?.state !== 'worked') return null
    if (isTheirs) this.#parts.notices.markFailure(present, result)
    this.#store.forget()
    await this.#parts.results.delete(result).catch(() => {})
    return null
  }

  async #letGo({ payer }: LedgerRow, result: string): Promise<void> {
    if (payer !== null) await this.#parts.openStanding(standingOf.payer(payer)).letGo(result)
  }
}

const reasonOf = (row: LedgerRow | undefined): string => (row?.state === 'refused' ? row.reason : 'payment_withdrawn')
