import type { LedgerRow } from './ledger-row.ts'

/** The one row of a ledger object, on disk, and the object's alarm. Reads are synchronous: there is no stale copy. */
export class RowStore {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  get row(): LedgerRow | undefined {
    return this.#storage.kv.get<LedgerRow>('row')
  }

  /** Durable before anything that the object sends from now on leaves it (Durable Objects, output gates). */
  write<Row extends LedgerRow>(row: Row): Row {
    this.#storage.kv.put('row', row)
    return row
  }

  /** The payment is unspent and unknown again. */
  forget(): void {
    this.#storage.kv.delete('row')
    void this.#storage.deleteAlarm()
  }

  /** Sets the object's one alarm; milliseconds since the epoch. */
  wakeAt(time: number): void {
    void this.#storage.setAlarm(time)
  }
}
