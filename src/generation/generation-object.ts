import { DurableObject } from 'cloudflare:workers'
import { now } from '../clock.ts'
import type { Granted, Reading } from './generation.ts'
import {
  type Authorization,
  GENERATION_LIFE_MS,
  type GenerationOrder,
  type GenerationRow,
  type GenerationView,
  isMade,
  isOver,
  MAX_RETRIES,
  RETRY_MS,
  reserve,
  stepAfterEnd,
  viewOf,
} from './generation-row.ts'
import { type JobParts, runStep } from './job.ts'
import { JobSpool } from './job-spool.ts'

const ROW = 'row'
/** How long a job that nobody paid for is remembered: longer than its payment can be shown. */
const RESERVED_MS = 3 * 24 * 60 * 60 * 1000
/** After an error that nobody expected. */
const TRY_AGAIN_MS = 5_000
/** When somebody looks whether a step has died with its object; one that runs on is not disturbed, since alarms wait. */
const STEP_MS = 15 * 1000

/**
 * One generation: the one place where its callers meet its work. The row is written before every step, alarms drive it, and
 * one alarm runs at a time; whatever ends the object, the next alarm goes on.
 */
export class GenerationJob extends DurableObject {
  readonly #parts: JobParts
  readonly #spool: JobSpool
  readonly #waiting = new Set<() => void>()

  constructor(ctx: DurableObjectState, env: Env, parts: JobParts) {
    super(ctx, env)
    this.#parts = parts
    this.#spool = new JobSpool(ctx.storage.kv)
  }

  get #row(): GenerationRow | undefined {
    return this.ctx.storage.kv.get<GenerationRow>(ROW)
  }

  #write(row: GenerationRow): void {
    const before = this.#row
    this.ctx.storage.kv.put(ROW, row)
    if (before?.status === row.status) return
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #wakeIn(ms: number): void {
    void this.ctx.storage.setAlarm(now() + ms)
  }

  /** @see GenerationClient.reserve */
  reserve(order: GenerationOrder): void {
    if (this.#row) return
    this.#write(reserve(order))
    this.#wakeIn(RESERVED_MS)
  }

  /** @see GenerationClient.begin */
  begin(authorization: Authorization | null): GenerationView | null {
    const row = this.#row
    if (row?.step.name === 'reserved') this.#start({ ...row, begunAt: now(), authorization })
    return this.#row ? viewOf(this.#row) : null
  }

  #start(row: GenerationRow): void {
    const deadline = now() + row.deadlineSeconds * 1000
    this.#write({ ...row, status: 'pending', step: { name: 'start' }, error: null, outputs: [], misses: 0, deadline })
    this.#wakeIn(0)
  }

  /** @see GenerationClient.read */
  async read(waitMs: number): Promise<Reading | null> {
    const row = this.#row
    if (!row || row.step.name === 'reserved') return null
    if (waitMs > 0 && !isOver(row)) {
      const changed = Promise.withResolvers<void>()
      this.#waiting.add(changed.resolve)
      const timer = setTimeout(changed.resolve, waitMs)
      await changed.promise
      clearTimeout(timer)
      this.#waiting.delete(changed.resolve)
    }
    const present = this.#row ?? row
    return { view: viewOf(present), receipt: present.receipt }
  }

  /** @see GenerationClient.cancel */
  cancel(): Granted {
    const row = this.#row
    if (!row || row.step.name === 'reserved') return { kind: 'unknown' }
    if (row.status === 'canceled') return { kind: 'done', view: viewOf(row) }
    if (row.step.name !== 'start') return { kind: 'refused' }
    const canceled: GenerationRow = { ...row, status: 'canceled', step: stepAfterEnd(row) }
    this.#write(canceled)
    this.#wakeIn(0)
    return { kind: 'done', view: viewOf(canceled) }
  }

  /** @see GenerationClient.retry */
  retry(prompt: string | null): Granted {
    const row = this.#row
    if (!row || row.step.name === 'reserved') return { kind: 'unknown' }
    // What was not charged is not owed.
    const isDue = row.authorization === null && (row.status === 'canceled' || row.status === 'failed')
    const isOther = prompt !== null && prompt !== row.task.prompt
    const wasBlocked = row.error?.code === 'content_blocked'
    const isForbidden = wasBlocked && (!isOther || row.blockedRetries > 0)
    const isLate = now() - row.begunAt > RETRY_MS
    if (!isDue || isForbidden || isLate || row.retries >= MAX_RETRIES) return { kind: 'refused' }
    const task = prompt === null ? row.task : { ...row.task, prompt }
    // A new attempt counts from nothing, but what callers have seen never falls.
    const blockedRetries = row.blockedRetries + (wasBlocked ? 1 : 0)
    this.#start({ ...row, task, retries: row.retries + 1, blockedRetries })
    return { kind: 'done', view: viewOf(this.#row!) }
  }

  /** Does the next step. Never throws: it would be repeated without a pause. */
  override async alarm(): Promise<void> {
    const row = this.#row
    if (!row) return
    if (row.step.name === 'reserved' || row.step.name === 'done') return this.#rest(row)
    // If the object dies under the step, this one goes on.
    this.#wakeIn(STEP_MS)
    try {
      const { row: next, dueIn } = await runStep(row, this.#parts, this.#spool, (before) => this.#write(before))
      this.#write(next)
      // An upstream may want more time than there is; what is made has all the time.
      const left = isMade(next) ? Infinity : Math.max(0, next.deadline - now())
      this.#wakeIn(dueIn === null ? GENERATION_LIFE_MS : Math.min(dueIn, left))
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', event: 'generation', id: row.id, error: String(error) }))
      this.#wakeIn(TRY_AGAIN_MS)
    }
  }

  /** What nobody paid for, and what nobody may ask about any more, is forgotten. */
  async #rest(row: GenerationRow): Promise<void> {
    const life = row.step.name === 'reserved' ? RESERVED_MS : GENERATION_LIFE_MS
    const left = row.createdAt + life - now()
    if (left <= 0) await this.ctx.storage.deleteAll()
    else this.#wakeIn(left)
  }
}
