import { DurableObject } from 'cloudflare:workers'
import { now } from '../clock.ts'
import { type Conduct, goodConduct, type Mark } from './standing.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
/** Work that failed and was not charged: as many as one payer or address may have in an hour. */
const MAX_FAILURES_PER_HOUR = 20

/**
 * Failures and losses of one payer, one address, or the whole service, and what is held for a payer's work in flight.
 * Nothing in it is older than 24 h, and who has nothing in it has no storage: every payer is asked about.
 */
export class Standing extends DurableObject {
  readonly #sql: SqlStorage

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#sql = ctx.storage.sql
  }

  #has(table: 'marks' | 'holds'): boolean {
    return this.#sql.exec('SELECT 1 FROM sqlite_master WHERE name = ?', table).toArray().length > 0
  }

  /** @see StandingClient.mark */
  mark(id: string, mark: Mark, amount: string): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS marks (id TEXT PRIMARY KEY, mark TEXT, amount INTEGER, at INTEGER)')
    this.#sql.exec('DELETE FROM marks WHERE at <= ?', now() - DAY_MS)
    this.#sql.exec('INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)', id, mark, Number(amount), now())
    void this.ctx.storage.setAlarm(now() + DAY_MS)
  }

  /** @see StandingClient.clear */
  clear(id: string): void {
    if (this.#has('marks')) this.#sql.exec('DELETE FROM marks WHERE id = ?', id)
  }

  /** @see StandingClient.read */
  read(): Conduct {
    if (!this.#has('marks')) return goodConduct
    const failures = this.#sql
      .exec<{ at: number }>(
        "SELECT at FROM marks WHERE mark = 'failure' AND at > ? ORDER BY at DESC LIMIT ?",
        now() - HOUR_MS,
        MAX_FAILURES_PER_HOUR,
      )
      .toArray()
    // Once the oldest of them is an hour old, there is room for another.
    const oldest = failures.length === MAX_FAILURES_PER_HOUR ? failures.at(-1)?.at : undefined
    const { unpaid, lost } = this.#sql
      .exec<{ unpaid: number; lost: number | null }>(
        `SELECT count(*) AS unpaid, sum(CASE WHEN mark = 'loss' AND at > ? THEN amount END) AS lost
         FROM marks WHERE mark IN ('open', 'loss') AND at > ?`,
        now() - HOUR_MS,
        now() - DAY_MS,
      )
      .one()
    return {
      blockedFor: oldest === undefined ? 0 : Math.max(1, Math.ceil((oldest + HOUR_MS - now()) / 1000)),
      mustPayFirst: unpaid > 0,
      lostInHour: lost ?? 0,
    }
  }

  /** @see StandingClient.hold */
  hold(id: string, amount: string, most: string, until: number): { isHeld: boolean; held: string } {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS holds (id TEXT PRIMARY KEY, amount INTEGER, until INTEGER)')
    this.#sql.exec('DELETE FROM holds WHERE until <= ?', now())
    const { held } = this.#sql
      .exec<{ held: number }>('SELECT coalesce(sum(amount), 0) AS held FROM holds WHERE id <> ?', id)
      .one()
    // Amounts are millionths of a dollar: numbers are exact far beyond what anybody holds.
    if (held + Number(amount) > Number(most)) return { isHeld: false, held: String(held) }
    this.#sql.exec('INSERT OR REPLACE INTO holds VALUES (?, ?, ?)', id, Number(amount), until)
    void this.ctx.storage.setAlarm(now() + DAY_MS)
    return { isHeld: true, held: String(held) }
  }

  /** @see StandingClient.letGo */
  letGo(id: string): void {
    if (this.#has('holds')) this.#sql.exec('DELETE FROM holds WHERE id = ?', id)
  }

  #isEmpty(table: 'marks' | 'holds'): boolean {
    return !this.#has(table) || this.#sql.exec(`SELECT 1 FROM ${table} LIMIT 1`).toArray().length === 0
  }

  /** Forgets what is a day old. */
  override async alarm(): Promise<void> {
    if (this.#has('marks')) this.#sql.exec('DELETE FROM marks WHERE at <= ?', now() - DAY_MS)
    if (this.#has('holds')) this.#sql.exec('DELETE FROM holds WHERE until <= ?', now())
    const isEmpty = this.#isEmpty('marks') && this.#isEmpty('holds')
    await (isEmpty ? this.ctx.storage.deleteAll() : this.ctx.storage.setAlarm(now() + DAY_MS))
  }
}
