import { now, nowSeconds } from '../clock.ts'
import {
  knownOf,
  type LedgerRow,
  type OpenRow,
  type Outcome,
  OWED_MS,
  RESULT_LIFE_MS,
  type RowIn,
  toOutcome,
} from './ledger-row.ts'
import type { PaymentProtocol, Receipt } from './protocol.ts'
import type { RowStore } from './row-store.ts'

/** The shortest and the longest time between two looks for a settlement whose outcome is unknown. */
const LOOK_AGAIN_MS = { least: 60_000, most: 6 * 60 * 60 * 1000 } as const

/** When to look again: as long as it has taken so far, within bounds, so that looks thin out. */
export const nextLook = ({ since }: LedgerRow): number =>
  now() + Math.min(LOOK_AGAIN_MS.most, Math.max(LOOK_AGAIN_MS.least, now() - since))

/** Collecting one payment: sends at most while the chain says that it is unused, and lets only the chain refuse. */
export class Settlement {
  readonly #store: RowStore
  readonly #protocolOf: (row: LedgerRow) => PaymentProtocol
  #running: Promise<Outcome> | undefined

  constructor(store: RowStore, protocolOf: (row: LedgerRow) => PaymentProtocol) {
    this.#store = store
    this.#protocolOf = protocolOf
  }

  /** The settlement or look under way, if there is one. */
  get running(): Promise<Outcome> | undefined {
    return this.#running
  }

  /** Collects, or finds out what an earlier attempt came to. One at a time: all who ask meanwhile get its outcome. */
  settle(claimId?: string): Promise<Outcome> {
    return this.#alone(() => this.#settle(claimId))
  }

  /** Looks at the chain and writes down what is certain; sends nothing. */
  lookAgain(): Promise<Outcome> {
    return this.#alone(async () => {
      const row = this.#store.row
      if (row?.state !== 'worked' && row?.state !== 'settling' && row?.state !== 'unknown') return { kind: 'pending' }
      const outcome = await this.#look(row)
      const isOpen = outcome === 'unused' || outcome.kind === 'pending' || outcome.kind === 'unavailable'
      if (isOpen) this.#store.wakeAt(nextLook(row))
      return isOpen ? { kind: 'pending' } : outcome
    })
  }

  #alone(step: () => Promise<Outcome>): Promise<Outcome> {
    this.#running ??= step().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #settle(claimId: string | undefined): Promise<Outcome> {
    const row = this.#store.row
    if (row === undefined) throw new Error('there is nothing to settle')
    const isClaimed = row.state === 'claimed' && row.claimId === claimId
    if (isClaimed !== (claimId !== undefined) || (row.state === 'claimed' && !isClaimed)) {
      return { kind: 'unavailable', cause: 'the claim was lost' }
    }
    if (row.state === 'settled') return toOutcome(row)
    if (row.state === 'refused') return { kind: 'refused', reason: row.reason }
    if (row.state === 'owed' || (row.state === 'claimed' && row.paid)) return { kind: 'owed' }

    // Something may have been sent, or the authorization may be over: look before sending.
    const wasSent = row.state === 'settling' || row.state === 'unknown'
    if (row.state !== 'claimed' && (wasSent || row.credential.validBefore <= nowSeconds())) {
      const outcome = await this.#look(row)
      if (outcome !== 'unused') return outcome
    }
    const result = row.state === 'claimed' ? null : row.result
    const settling = this.#store.write({ ...knownOf(row), state: 'settling', result })
    const sent = await this.#protocolOf(settling).settle(settling.credential, settling.terms)
    if (sent.kind === 'settled') return this.#finish(settling, sent.receipt)
    const outcome = await this.#look(settling)
    return outcome === 'unused' ? this.#leaveOpen(settling, sent.cause) : outcome
  }

  /** Asks the chain; writes down what is certain. `unused`: it may be sent. */
  async #look(row: OpenRow): Promise<Outcome | 'unused'> {
    const finding = await this.#protocolOf(row).find(row.credential, row.terms, row.height)
    if (finding.kind === 'paid') return this.#finish(row, finding.receipt)
    if (finding.kind === 'dead') return this.#refuse(row, finding.reason)
    if (finding.kind === 'unused') return 'unused'
    return row.state === 'worked' ? { kind: 'unavailable', cause: finding.cause } : this.#leaveOpen(row, finding.cause)
  }

  #finish(row: OpenRow, receipt: Receipt): Outcome {
    const known = knownOf(row)
    if (row.result === null) {
      const owedUntil = now() + OWED_MS
      this.#store.write({ ...known, state: 'owed', paid: { receipt, owedUntil } })
      return { kind: 'owed' }
    }
    const resultUntil = now() + RESULT_LIFE_MS
    const settled: RowIn<'settled'> = { ...known, state: 'settled', result: row.result, receipt, resultUntil }
    this.#store.write(settled)
    this.#store.wakeAt(resultUntil)
    return toOutcome(settled)
  }

  #refuse(row: OpenRow, reason: string): Outcome {
    this.#store.write({ ...knownOf(row), state: 'refused', reason, result: row.result })
    // The alarm deletes the result, and tries again if that fails.
    this.#store.wakeAt(now())
    return { kind: 'refused', reason }
  }

  #leaveOpen(row: OpenRow, cause: string): Outcome {
    this.#store.write({ ...knownOf(row), state: 'unknown', result: row.result, cause })
    this.#store.wakeAt(nextLook(row))
    return { kind: 'pending' }
  }
}
