import { DurableObject } from 'cloudflare:workers'
import { createHmac, randomBytes } from 'node:crypto'
import { now } from '../clock.ts'
import type { CapLimits, Slot } from './daily-cap.ts'

/** Longer than its day: whoever took a slot just before midnight may give it back after. */
const LIFE_MS = 26 * 60 * 60 * 1000
const HASH_BYTES = 16

/**
 * The free uploads of one UTC day: all of them, and those of each client. One object for all, since the cap is exact. An
 * address is kept as a hash under a key that the day's object alone has, and is gone with it.
 */
export class DailyCap extends DurableObject {
  readonly #sql: SqlStorage
  #key: Uint8Array | undefined
  #total: number | undefined

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
  }

  /** Prepares the storage of a day at its first use. */
  #open(): Uint8Array {
    if (this.#key) return this.#key
    this.#sql.exec('CREATE TABLE IF NOT EXISTS clients (hash BLOB PRIMARY KEY, taken INTEGER) WITHOUT ROWID')
    this.#key = this.ctx.storage.kv.get<Uint8Array>('key')
    if (!this.#key) {
      this.#key = new Uint8Array(randomBytes(32))
      this.ctx.storage.kv.put('key', this.#key)
      void this.ctx.storage.setAlarm(now() + LIFE_MS)
    }
    this.#total = this.#sql.exec<{ total: number | null }>('SELECT sum(taken) AS total FROM clients').one().total ?? 0
    return this.#key
  }

  #hash(client: string): ArrayBuffer {
    const digest = createHmac('sha256', this.#open()).update(client).digest()
    return new Uint8Array(digest.subarray(0, HASH_BYTES)).buffer
  }

  #read(hash: ArrayBuffer): number {
    const [row] = this.#sql.exec<{ taken: number }>('SELECT taken FROM clients WHERE hash = ?', hash)
    return row?.taken ?? 0
  }

  /** @see DailyCapClient.take */
  take(client: string, { perClient, inAll }: CapLimits): Slot {
    const hash = this.#hash(client)
    const taken = this.#read(hash)
    const isFree = taken < perClient && this.#total! < inAll
    if (isFree) {
      this.#sql.exec('INSERT OR REPLACE INTO clients VALUES (?, ?)', hash, taken + 1)
      this.#total! += 1
    }
    const left = Math.min(perClient - taken - (isFree ? 1 : 0), inAll - this.#total!)
    return { isFree, remaining: Math.max(0, left) }
  }

  /** @see DailyCapClient.giveBack */
  giveBack(client: string): void {
    const hash = this.#hash(client)
    const taken = this.#read(hash)
    if (taken === 0) return
    this.#sql.exec('INSERT OR REPLACE INTO clients VALUES (?, ?)', hash, taken - 1)
    this.#total! -= 1
  }

  /** Forgets the day. */
  override async alarm(): Promise<void> {
    this.#key = undefined
    await this.ctx.storage.deleteAll()
  }
}
