import { DurableObject } from 'cloudflare:workers'
import { now, nowSeconds } from '../clock.ts'
import {
  type Admission,
  type Claim,
  type Failure,
  factsOf,
  LEASE_MS,
  type LedgerRow,
  type OpenRow,
  type Outcome,
  RESULT_LIFE_MS,
  toOutcome,
} from './ledger-row.ts'
import type { Ask, Credential, PaymentProtocol, Receipt, Verdict } from './protocol.ts'
import type { ResultStore, StoredResult } from './result-store.ts'

/** What the ledger needs of the world; `src/index.ts` fills it. */
export interface LedgerParts {
  readonly protocols: readonly PaymentProtocol[]
  readonly results: ResultStore
}

/** The longest a caller waits for another who works on the same payment. */
const JOIN_MS = 25_000
/** A verdict that is older is asked for again before work starts: balances change. */
const VERDICT_LIFE_MS = 60_000
/** How often an alarm looks for a settlement whose outcome is unknown. */
const LOOK_AGAIN_MS = 60_000
/** After the end of an authorization, the chain has surely made a block that is past it. */
const DEAD_MARGIN_MS = 60_000

interface KnownVerdict {
  /** What was judged: the signed bytes, for one route at one price. */
  readonly subject: string
  readonly verdict: Promise<Verdict>
  readonly until: number
}

/**
 * One payment: who works for it, what it bought, whether it is collected. One object per payment key, so it is the one
 * place where a payment's callers meet; `await` lets them interleave, so every step reads the row anew.
 *
 * Truth: the chain for the money, this row for what the money bought, R2 for the bytes.
 */
export class Ledger extends DurableObject {
  readonly #parts: LedgerParts
  #verdict: KnownVerdict | undefined
  /** Resolves whoever waits for the present work: with the failure, or with null when it went on. */
  #waiting: PromiseWithResolvers<Failure | null> | undefined
  #settling: Promise<Outcome> | undefined

  constructor(ctx: DurableObjectState, env: Env, parts: LedgerParts) {
    super(ctx, env)
    this.#parts = parts
  }

  get #row(): LedgerRow | undefined {
    return this.ctx.storage.kv.get<LedgerRow>('row')
  }

  #write<Row extends LedgerRow>(row: Row): Row {
    this.ctx.storage.kv.put('row', row)
    return row
  }

  #protocolOf({ protocol: name }: Credential): PaymentProtocol {
    const protocol = this.#parts.protocols.find((candidate) => candidate.name === name)
    if (!protocol) throw new Error(`payment protocol ${name} is not configured`)
    return protocol
  }

  /** Judges a credential before its body is read. One verification runs for all who show the same signed bytes. */
  async admit(credential: Credential, ask: Ask): Promise<Admission> {
    const row = this.#row
    if (row !== undefined && row.credential.digest !== credential.digest) return { kind: 'used' }
    if (row?.state === 'refused') return { kind: 'refused', reason: row.reason }
    if (row !== undefined) return { kind: 'admitted' }
    const verdict = await this.#verify(credential, ask)
    return verdict.kind === 'valid' ? { kind: 'admitted' } : verdict
  }

  async #verify(credential: Credential, ask: Ask): Promise<Verdict> {
    const subject = [credential.digest, ask.method, ask.route, ask.price].join()
    let known = this.#verdict
    if (known?.subject !== subject || known.until < now()) {
      const verdict = this.#protocolOf(credential).verify(credential, ask)
      known = { subject, verdict, until: now() + VERDICT_LIFE_MS }
      this.#verdict = known
    }
    const verdict = await known.verdict
    // A refusal is not remembered: the payer may be funded, the facilitator may recover.
    if (verdict.kind !== 'valid' && this.#verdict === known) this.#verdict = undefined
    return verdict
  }

  /**
   * Takes the payment for one request, or says who has it. Waits up to 25 s while somebody else works on it.
   * @param fingerprint identifies the request
   */
  async claim(credential: Credential, ask: Ask, fingerprint: string): Promise<Claim> {
    const deadline = now() + JOIN_MS
    for (;;) {
      const row = this.#row
      // Whoever let the lease lapse is gone, or so slow that its answer will be refused.
      if (row === undefined || (row.state === 'claimed' && row.leaseUntil < now())) {
        const verdict = await this.#verify(credential, ask)
        if (verdict.kind !== 'valid') return verdict
        if (this.#row?.fence === row?.fence) return this.#start(credential, verdict, fingerprint, (row?.fence ?? 0) + 1)
        continue
      }
      if (row.credential.digest !== credential.digest) return { kind: 'used' }
      if (row.state === 'claimed' || this.#settling !== undefined) {
        const left = deadline - now()
        if (left <= 0) return { kind: 'in_progress' }
        const failure = await this.#wait(left)
        if (failure && row.fingerprint === fingerprint) return { kind: 'failed', failure }
        continue
      }
      if (row.state === 'refused') return { kind: 'refused', reason: row.reason }
      if (row.fingerprint !== fingerprint) {
        return { kind: 'conflict', ...(row.state === 'settled' && { transaction: row.receipt.transaction }) }
      }
      return row.state === 'settled' ? toOutcome(row) : { kind: 'settle' }
    }
  }

  #start(credential: Credential, verdict: Verdict & { kind: 'valid' }, fingerprint: string, fence: number): Claim {
    const { terms, height } = verdict
    const leaseUntil = now() + LEASE_MS
    this.#write({ state: 'claimed', credential, terms, height, fingerprint, fence, leaseUntil })
    this.#waiting?.resolve(null)
    this.#waiting = Promise.withResolvers()
    void this.ctx.storage.setAlarm(leaseUntil)
    return { kind: 'work', fence }
  }

  async #wait(ms: number): Promise<Failure | null> {
    const work: Promise<Failure | null | Outcome> = this.#settling ?? this.#waiting?.promise ?? Promise.resolve(null)
    const timeout = Promise.withResolvers<null>()
    // Also wakes up when the lease lapses, so that a waiter takes over from a worker that died.
    const timer = setTimeout(() => timeout.resolve(null), Math.min(ms, LEASE_MS + 1))
    const ended = await Promise.race([work, timeout.promise])
    clearTimeout(timer)
    return ended !== null && 'code' in ended ? ended : null
  }

  /** Renews the lease of the claim `fence`. False: it has been lost, stop. */
  renew(fence: number): boolean {
    const row = this.#row
    if (row?.state !== 'claimed' || row.fence !== fence) return false
    const leaseUntil = now() + LEASE_MS
    this.#write({ ...row, leaseUntil })
    void this.ctx.storage.setAlarm(leaseUntil)
    return true
  }

  /** The work gave nothing and nothing was taken: the payment is unspent again. */
  fail(fence: number, failure: Failure): void {
    const row = this.#row
    if (row?.state !== 'claimed' || row.fence !== fence) return
    this.#forget()
    this.#waiting?.resolve(failure)
  }

  #forget(): void {
    this.ctx.storage.kv.delete('row')
    this.#verdict = undefined
    void this.ctx.storage.deleteAlarm()
  }

  /**
   * The work of claim `fence` is done and its result is kept. False: the claim was lost, and the result is nobody's.
   */
  complete(fence: number, result: StoredResult): boolean {
    const row = this.#row
    if (row?.state !== 'claimed' || row.fence !== fence) return false
    const { leaseUntil: _, ...known } = row
    this.#write({ ...known, state: 'worked', result })
    void this.ctx.storage.setAlarm(known.credential.validBefore * 1000 + DEAD_MARGIN_MS)
    this.#waiting?.resolve(null)
    return true
  }

  /**
   * Collects the payment for finished work, or finds out what an earlier attempt came to. Runs here, so that a caller
   * who hangs up changes nothing; one at a time, and all who ask meanwhile get its outcome.
   */
  settle(): Promise<Outcome> {
    return this.#alone(() => this.#settle())
  }

  #alone(step: () => Promise<Outcome>): Promise<Outcome> {
    this.#settling ??= step().finally(() => {
      this.#settling = undefined
    })
    return this.#settling
  }

  async #settle(): Promise<Outcome> {
    const row = this.#row
    if (row === undefined || row.state === 'claimed') throw new Error('settle before the work is done')
    if (row.state === 'settled') return toOutcome(row)
    if (row.state === 'refused') return { kind: 'refused', reason: row.reason }

    // Something may have been sent, or the authorization may be over: look before sending.
    if (row.state !== 'worked' || row.credential.validBefore <= nowSeconds()) {
      const outcome = await this.#look(row)
      if (outcome !== 'unused') return outcome
    }
    // On disk before anything leaves: Durable Objects hold outgoing calls back until then.
    const settling = this.#write({ ...factsOf(row), state: 'settling' })
    const sent = await this.#protocolOf(row.credential).settle(row.credential, row.terms)
    if (sent.kind === 'settled') return this.#finish(settling, sent.receipt)
    const outcome = await this.#look(settling)
    return outcome === 'unused' ? this.#leaveOpen(settling, sent.cause) : outcome
  }

  /** Asks the chain; writes down what is certain. `unused`: it may be sent. */
  async #look(row: OpenRow): Promise<Outcome | 'unused'> {
    const finding = await this.#protocolOf(row.credential).find(row.credential, row.terms, row.height)
    if (finding.kind === 'paid') return this.#finish(row, finding.receipt)
    if (finding.kind === 'dead') return this.#refuse(row, finding.reason)
    if (finding.kind === 'unused') return 'unused'
    return row.state === 'worked' ? { kind: 'pending' } : this.#leaveOpen(row, finding.cause)
  }

  #finish(row: OpenRow, receipt: Receipt): Outcome {
    const settled = { ...factsOf(row), state: 'settled', receipt, resultUntil: now() + RESULT_LIFE_MS } as const
    this.#write(settled)
    void this.ctx.storage.setAlarm(settled.resultUntil)
    return toOutcome(settled)
  }

  async #refuse(row: OpenRow, reason: string): Promise<Outcome> {
    const { result, ...known } = factsOf(row)
    this.#write({ ...known, state: 'refused', reason })
    await this.#discard(result)
    await this.ctx.storage.deleteAlarm()
    return { kind: 'refused', reason }
  }

  #leaveOpen(row: OpenRow, cause: string): Outcome {
    this.#write({ ...factsOf(row), state: 'unknown', cause })
    void this.ctx.storage.setAlarm(now() + LOOK_AGAIN_MS)
    return { kind: 'pending' }
  }

  async #discard(result: StoredResult): Promise<void> {
    await this.#parts.results.delete(result.key).catch((error) => {
      console.error(JSON.stringify({ level: 'error', event: 'result_not_deleted', error: String(error) }))
    })
  }

  /** Looks and cleans up; never starts a settlement. Idempotent, and never throws: it would be repeated for ever. */
  override async alarm(): Promise<void> {
    try {
      await this.#tidy()
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', event: 'ledger_alarm', error: String(error) }))
      await this.ctx.storage.setAlarm(now() + LOOK_AGAIN_MS)
    }
  }

  async #tidy(): Promise<void> {
    const row = this.#row
    if (row === undefined || this.#settling !== undefined) return
    switch (row.state) {
      case 'claimed':
        if (row.leaseUntil <= now()) this.#forget()
        return
      case 'settled':
        if (row.resultUntil <= now()) await this.#discard(row.result)
        return
      case 'worked':
      case 'settling':
      case 'unknown':
        await this.#alone(() => this.#lookAgain(row))
    }
  }

  async #lookAgain(row: OpenRow): Promise<Outcome> {
    const outcome = await this.#look(row)
    if (outcome !== 'unused' && outcome.kind !== 'pending') return outcome
    await this.ctx.storage.setAlarm(now() + LOOK_AGAIN_MS)
    return { kind: 'pending' }
  }
}
