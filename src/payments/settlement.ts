import { now, nowSeconds } from '../clock.ts'
import {
  isOver,
  knownOf,
  type LedgerRow,
  type OpenRow,
  type Outcome,
  OWED_MS,
  type RowIn,
  SECOND_LOOK_MS,
  toOutcome,
  toSettled,
} from './ledger-row.ts'
import type { PaymentProtocol, Receipt } from './protocol.ts'
import type { RowStore } from './row-store.ts'

/** The shortest and the longest time between two looks for a settlement whose outcome is unknown. */
const LOOK_AGAIN_MS = { least: 60_000, most: 6 * 60 * 60 * 1000 } as const

/** When to look again: as long as it has taken so far, within bounds, so that looks thin out. */
export const nextLook = ({ since }: LedgerRow): number =>
  now() + Math.min(LOOK_AGAIN_MS.most, Math.max(LOOK_AGAIN_MS.least, now() - since))

type Collectable = OpenRow | RowIn<'claimed'>
const isOutcome = (found: Collectable | Outcome): found is Outcome => 'kind' in found

/** What a settlement needs of its surroundings. */
export interface SettlementParts {
  protocolOf(row: LedgerRow): PaymentProtocol
  /** Whether this payment is the one to be charged: its Idempotency-Key may stand for another one by now. */
  maySend(row: LedgerRow): Promise<boolean>
}

/** Collecting one payment: sends at most while the chain says that it is unused, and lets only the chain refuse. */
export class Settlement {
  readonly #store: RowStore
  readonly #parts: SettlementParts
  #running: Promise<Outcome> | undefined

  constructor(store: RowStore, parts: SettlementParts) {
    this.#store = store
    this.#parts = parts
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

  /**
   * Asks the chain once more about a settled payment, since a block may be taken back. What was sent before is sent
   * again while it is good; nothing new ever is.
   */
  lookOnceMore(): Promise<Outcome> {
    return this.#alone(async () => {
      const row = this.#store.row
      if (row?.state !== 'settled' || row.secondLook !== 'due') return { kind: 'pending' }
      const protocol = this.#parts.protocolOf(row)
      const finding = await protocol.find(row.credential, row.terms, row.height)
      // Read anew: a key may have been noted meanwhile. It became public when it did, whenever it is looked at.
      const present = this.#store.row as typeof row
      const receipt = finding.kind === 'paid' ? { ...finding.receipt, at: row.receipt.at } : row.receipt
      if (finding.kind === 'paid') this.#store.write({ ...present, receipt, secondLook: 'done' })
      else if (finding.kind === 'dead') this.#store.write({ ...present, secondLook: 'lost' })
      else if (finding.kind === 'unused' && row.credential.validBefore > nowSeconds()) {
        await protocol.settle(row.credential, row.terms)
      }
      return toOutcome(row)
    })
  }

  #alone(step: () => Promise<Outcome>): Promise<Outcome> {
    this.#running ??= step().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** The row to collect, or what there is to say instead. */
  #readCollectable(claimId: string | undefined): Collectable | Outcome {
    const row = this.#store.row
    const isClaimed = row?.state === 'claimed' && row.claimId === claimId
    if (!row || isClaimed !== (claimId !== undefined) || (row.state === 'claimed' && !isClaimed)) {
      return { kind: 'unavailable', cause: 'the claim was lost' }
    }
    if (row.state === 'settled') return toOutcome(row)
    if (row.state === 'refused') return { kind: 'refused', reason: row.reason }
    return row.state === 'owed' || (row.state === 'claimed' && row.paid) ? { kind: 'owed' } : row
  }

  async #settle(claimId: string | undefined): Promise<Outcome> {
    const found = this.#readCollectable(claimId)
    if (isOutcome(found)) return found
    // Something may have been sent, or the authorization may be over: look before sending.
    const wasSent = found.state === 'settling' || found.state === 'unknown'
    if (found.state !== 'claimed' && (wasSent || found.credential.validBefore <= nowSeconds())) {
      const outcome = await this.#look(found)
      if (outcome !== 'unused') return outcome
    }
    try {
      if (!(await this.#parts.maySend(found))) return { kind: 'superseded' }
    } catch (error) {
      return wasSent ? { kind: 'pending' } : { kind: 'unavailable', cause: String(error) }
    }
    // Others had their turn meanwhile.
    const row = this.#readCollectable(claimId)
    if (isOutcome(row)) return row
    // Whoever found the lease over has seen the payment free, and may have taken its key for another one.
    if (row.state === 'claimed' && isOver(row)) return { kind: 'unavailable', cause: 'the claim was lost' }
    const result = row.state === 'claimed' ? null : row.result
    const sentAt = row.sentAt ?? now()
    const settling = this.#store.write({ ...knownOf(row), sentAt, state: 'settling', result })
    const sent = await this.#parts.protocolOf(settling).settle(settling.credential, settling.terms)
    if (sent.kind === 'settled') return this.#finish(settling, sent.receipt)
    const outcome = await this.#look(settling)
    return outcome === 'unused' ? this.#leaveOpen(settling, sent.cause) : outcome
  }

  /** Asks the chain; writes down what is certain. `unused`: it may be sent. */
  async #look(row: OpenRow): Promise<Outcome | 'unused'> {
    const finding = await this.#parts.protocolOf(row).find(row.credential, row.terms, row.height)
    if (finding.kind === 'paid') return this.#finish(row, finding.receipt)
    if (finding.kind === 'dead') return this.#refuse(row, finding.reason)
    if (finding.kind === 'unused') return 'unused'
    return row.state === 'worked' ? { kind: 'unavailable', cause: finding.cause } : this.#leaveOpen(row, finding.cause)
  }

  #finish(row: OpenRow, receipt: Receipt): Outcome {
    if (row.result === null) {
      const owedUntil = now() + OWED_MS
      this.#store.write({ ...knownOf(row), state: 'owed', paid: { receipt, owedUntil } })
      // Usually work begins at once; if nobody comes, the operator hears of it.
      this.#store.wakeAt(now() + LOOK_AGAIN_MS.least)
      return { kind: 'owed' }
    }
    const settled = this.#store.write(toSettled(row, row.result, receipt))
    this.#store.wakeAt(now() + SECOND_LOOK_MS)
    return toOutcome(settled)
  }

  #refuse(row: OpenRow, reason: string): Outcome {
    const { result } = row
    const mark = row.state === 'worked' ? 'failure' : 'loss'
    this.#store.write({ ...knownOf(row), state: 'refused', reason, result, mark: result && mark })
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
