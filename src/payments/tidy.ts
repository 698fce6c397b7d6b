import { now } from '../clock.ts'
import type { LedgerParts } from './ledger-parts.ts'
import { isOver, type LedgerRow, type RowIn } from './ledger-row.ts'
import type { RowStore } from './row-store.ts'
import { nextLook, type Settlement } from './settlement.ts'

/** What looking after a row needs of its ledger. */
export interface TidyParts extends Pick<LedgerParts, 'results'> {
  readonly store: RowStore
  readonly settlement: Settlement
  /** Told of a claim whose worker is gone. */
  lapse(row: RowIn<'claimed'>): void
}

/** Does what time asks for: ends claims, looks at the chain, deletes what is over. Starts no settlement. */
export async function tidy(row: LedgerRow, { store, settlement, results, lapse }: TidyParts): Promise<void> {
  if (settlement.running) return store.wakeAt(nextLook(row))
  if (row.state === 'claimed') {
    if (isOver(row)) lapse(row)
    else store.wakeAt(row.leaseUntil + 1)
  } else if (row.state === 'owed') {
    if (row.paid.owedUntil >= now()) store.wakeAt(row.paid.owedUntil + 1)
  } else if (row.state === 'settled') {
    if (row.secondLook === 'due') await settlement.lookOnceMore()
    const isDue = store.row?.state === 'settled' && store.row.secondLook === 'due'
    if (isDue) store.wakeAt(nextLook(row))
    if (row.resultUntil > now()) return isDue ? undefined : store.wakeAt(row.resultUntil)
    await results.delete(row.result.key)
  } else if (row.state === 'refused') {
    if (!row.result) return
    await results.delete(row.result.key)
    store.write({ ...row, result: null })
  } else await settlement.lookAgain()
}
