import { now } from '../clock.ts'
import type { LedgerParts } from './ledger-parts.ts'
import { type LedgerRow, payerOf, TELL_AGAIN_MS } from './ledger-row.ts'
import type { OpenPayment } from './open-payments.ts'
import type { RowStore } from './row-store.ts'
import { type Mark, namesOfRecords, standingOf } from './standing.ts'

/** What others are told about a payment. */
interface Notice {
  /** For the operator's list. */
  readonly open: OpenPayment | null
  /** For the record of its payer; a loss also for that of the service. */
  readonly mark: Mark | null
}

const SILENCE: Notice = { open: null, mark: null }
/** Causes are a node's or a facilitator's words, of any length; they stand in the metadata of an object. */
const MAX_CAUSE = 200
const toIso = (time: number): string => new Date(time).toISOString()

/** What others should be told of a row. */
function noticeOf(row: LedgerRow | undefined): Notice {
  if (row === undefined) return SILENCE
  const facts = {
    payment: row.credential.key,
    payer: payerOf(row) ?? row.credential.payer,
    amount: row.terms.amount,
    route: row.route,
    since: toIso(row.since),
  }
  switch (row.state) {
    case 'unknown':
      return {
        open: { ...facts, state: 'unknown', cause: row.cause.slice(0, MAX_CAUSE) },
        mark: row.result ? 'open' : null,
      }
    case 'owed': {
      const { receipt, owedUntil } = row.paid
      const { transaction } = receipt
      // What is over is nobody's business any more.
      if (owedUntil < now()) return SILENCE
      return { open: { ...facts, state: 'owed', transaction, owedUntil: toIso(owedUntil) }, mark: null }
    }
    case 'settled': {
      const { transaction } = row.receipt
      return row.secondLook === 'lost' ? { open: { ...facts, state: 'lost', transaction }, mark: 'loss' } : SILENCE
    }
    case 'refused':
      return { open: null, mark: row.mark }
    default:
      return SILENCE
  }
}

const isSame = (a: Notice, b: Notice): boolean => JSON.stringify(a) === JSON.stringify(b)

/**
 * Tells the operator's list and the records of standing what a row has come to, and remembers what it has said: what
 * could not be said now is said by the next alarm.
 */
export class Notices {
  readonly #ctx: DurableObjectState
  readonly #store: RowStore
  readonly #parts: Pick<LedgerParts, 'openPayments' | 'openStanding'>
  #last: Promise<void> = Promise.resolve()

  constructor(ctx: DurableObjectState, store: RowStore, parts: Pick<LedgerParts, 'openPayments' | 'openStanding'>) {
    this.#ctx = ctx
    this.#store = store
    this.#parts = parts
  }

  /** Says what there is to say of the row, or of one that is about to be replaced, without waiting for it. */
  tell(replaced?: LedgerRow): void {
    const turn = this.publish(replaced)
    this.#ctx.waitUntil(turn.catch(() => this.#store.wakeAt(now() + TELL_AGAIN_MS)))
  }

  /** Says what there is to say, one at a time. @throws when somebody could not be told */
  publish(replaced?: LedgerRow): Promise<void> {
    const turn = this.#last.then(() => this.#publish(replaced ?? this.#store.row))
    this.#last = turn.catch(() => {})
    return turn
  }

  /**
   * Work gave nothing to charge for: it failed after its answer, or whoever worked is gone, such as a client that hung
   * up, which has cost us as much. `id` names the work.
   */
  markFailure(row: LedgerRow, id: string): void {
    for (const name of namesOfRecords(payerOf(row), row.addressRecord)) {
      const mark = this.#parts.openStanding(name).mark(id, 'failure', '0')
      this.#ctx.waitUntil(mark.catch(() => {}))
    }
  }

  async #publish(row: LedgerRow | undefined): Promise<void> {
    const said = this.#ctx.storage.kv.get<Notice & { payer: string | null; payment: string; amount: string }>('said')
    const wanted = noticeOf(row)
    if (isSame(wanted, said ? { open: said.open, mark: said.mark } : SILENCE)) return
    const { payment, payer, amount } = row
      ? { payment: row.credential.key, payer: payerOf(row), amount: row.terms.amount }
      : said!
    await Promise.all([
      this.#list(wanted.open, said?.open ?? null),
      payer !== null && this.#mark(standingOf.payer(payer), payment, amount, wanted.mark, said?.mark ?? null),
      ...(wanted.mark === 'loss' ? [this.#parts.openStanding(standingOf.service).mark(payment, 'loss', amount)] : []),
    ])
    this.#ctx.storage.kv.put('said', { ...wanted, payment, payer, amount })
  }

  async #list(wanted: OpenPayment | null, said: OpenPayment | null): Promise<void> {
    if (wanted) await this.#parts.openPayments.put(wanted)
    else if (said) await this.#parts.openPayments.delete(said.payment)
  }

  async #mark(name: string, payment: string, amount: string, wanted: Mark | null, said: Mark | null): Promise<void> {
    if (wanted) await this.#parts.openStanding(name).mark(payment, wanted, amount)
    // Only what was open is forgiven: a loss stays one, whatever comes of the next signature over its challenge.
    else if (said === 'open') await this.#parts.openStanding(name).clear(payment)
  }
}
