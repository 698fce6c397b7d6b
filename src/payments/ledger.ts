import { DurableObject } from 'cloudflare:workers'
import { now, nowSeconds } from '../clock.ts'
import {
  type Admission,
  type Claim,
  type Failure,
  knownOf,
  LEASE_MS,
  type LedgerRow,
  type Outcome,
  OWED_MS,
  type Paid,
  RESULT_LIFE_MS,
  type RowIn,
  toOutcome,
} from './ledger-row.ts'
import type { Ask, Credential, PaymentProtocol, Verdict } from './protocol.ts'
import { isProven } from './replay-proof.ts'
import type { ResultStore, StoredResult } from './result-store.ts'
import { RowStore } from './row-store.ts'
import { nextLook, Settlement } from './settlement.ts'

/** What the ledger needs of the world; `src/index.ts` fills it. */
export interface LedgerParts {
  readonly protocols: readonly PaymentProtocol[]
  readonly results: ResultStore
}

/** The longest a caller waits for another who works on the same payment. */
const JOIN_MS = 25_000
/** A verdict that is older is asked for again before work starts: balances change. */
const VERDICT_LIFE_MS = 60_000
/** After the end of an authorization, the chain has surely made a block that is past it. */
const DEAD_MARGIN_MS = 60_000

interface KnownVerdict {
  /** What was judged: the signed bytes, for one route at one price. */
  readonly subject: string
  readonly verdict: Promise<Verdict>
  readonly until: number
}
type Valid = Verdict & { kind: 'valid' }

/**
 * One payment: who works for it, what it bought, whether it is collected. One object per payment key, so it is the one
 * place where a payment's callers meet; `await` lets them interleave, so every step reads the row anew.
 *
 * Truth: the chain for the money, this row for what the money bought, R2 for the bytes.
 */
export class Ledger extends DurableObject {
  readonly #parts: LedgerParts
  readonly #store: RowStore
  readonly #settlement: Settlement
  #verdict: KnownVerdict | undefined
  /** Resolves whoever waits for the present work: with the failure, or with null when it went on. */
  #working: PromiseWithResolvers<Failure | null> | undefined

  constructor(ctx: DurableObjectState, env: Env, parts: LedgerParts) {
    super(ctx, env)
    this.#parts = parts
    this.#store = new RowStore(ctx.storage)
    this.#settlement = new Settlement(this.#store, ({ credential }) => this.#protocolOf(credential))
  }

  #protocolOf({ protocol: name }: Credential): PaymentProtocol {
    const protocol = this.#parts.protocols.find((candidate) => candidate.name === name)
    if (!protocol) throw new Error(`payment protocol ${name} is not configured`)
    return protocol
  }

  /** Judges a credential before its body is read. One verification runs for all who show the same signed bytes. */
  async admit(credential: Credential, ask: Ask, address: string | null): Promise<Admission> {
    const { row } = this.#store
    if (row === undefined || isReplaceable(row, credential)) {
      const verdict = await this.#verify(credential, ask)
      return verdict.kind === 'valid' ? { kind: 'admitted' } : verdict
    }
    if (!isOwner(row, credential, address)) return { kind: 'used' }
    return row.state === 'refused' ? { kind: 'refused', reason: row.reason } : { kind: 'admitted' }
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
   * @param workSeconds how long the work is expected to take: a payment that ends sooner is collected first
   * @param address hash of the address that the request comes from, where that proves something
   */
  async claim(
    credential: Credential,
    ask: Ask,
    fingerprint: string,
    workSeconds: number,
    address: string | null,
  ): Promise<Claim> {
    const deadline = now() + JOIN_MS
    for (;;) {
      const { row } = this.#store
      if (row === undefined || isReplaceable(row, credential)) {
        const verdict = await this.#verify(credential, ask)
        if (verdict.kind !== 'valid') return verdict
        // Others had their turn meanwhile.
        const { row: present } = this.#store
        if (present !== undefined && !isReplaceable(present, credential)) continue
        if (present?.state === 'refused' && present.result) {
          void this.#parts.results.delete(present.result.key).catch(() => {})
        }
        return this.#start(credential, verdict, fingerprint, workSeconds, address)
      }
      if (!isOwner(row, credential, address)) return { kind: 'used' }
      const paid = row.state === 'owed' || (row.state === 'claimed' && isOver(row)) ? row.paid : undefined
      if (paid) return this.#workOff(row, paid, fingerprint)
      if (row.state === 'claimed' || this.#settlement.running) {
        if (deadline <= now()) return { kind: 'in_progress' }
        const failure = await this.#wait(row, deadline)
        if (failure && row.fingerprint === fingerprint) return { kind: 'failed', failure }
        continue
      }
      if (row.state === 'refused') return { kind: 'refused', reason: row.reason }
      if (row.fingerprint !== fingerprint) {
        // The same challenge was paid anew: what was sent for it first may be settled by now, or can never come.
        const isOpen = row.state !== 'settled' && row.credential.digest !== credential.digest
        if (isOpen && (await this.#settlement.lookAgain()).kind !== 'pending') continue
        return { kind: 'conflict', ...(row.state === 'settled' && { transaction: row.receipt.transaction }) }
      }
      return row.state === 'settled' ? toOutcome(row) : { kind: 'settle' }
    }
  }

  #start(
    credential: Credential,
    verdict: Valid,
    fingerprint: string,
    workSeconds: number,
    address: string | null,
  ): Claim {
    const { terms, height, receipt } = verdict
    const seen = [...(this.#store.row?.transactions ?? []), credential.transaction]
    const transactions = [...new Set(seen.filter((transaction) => transaction !== null))]
    const known = { credential, terms, height, fingerprint, since: now(), address, transactions }
    if (receipt) return this.#hold(known, { receipt, owedUntil: now() + OWED_MS })
    const claim = this.#hold(known)
    const needed = this.#protocolOf(credential).needsSeconds(workSeconds)
    const isMoneyFirst = verdict.moneyFirst || credential.validBefore - nowSeconds() < needed
    return isMoneyFirst ? { ...claim, kind: 'settle' } : claim
  }

  #workOff(row: LedgerRow, paid: Paid, fingerprint: string): Claim {
    if (paid.owedUntil < now()) return { kind: 'conflict', transaction: paid.receipt.transaction }
    return this.#hold({ ...knownOf(row), fingerprint }, paid)
  }

  #hold(known: ReturnType<typeof knownOf>, paid?: Paid): Claim & { kind: 'work' } {
    const claimId = crypto.randomUUID()
    const leaseUntil = now() + LEASE_MS
    this.#store.write({ ...known, state: 'claimed', claimId, leaseUntil, ...(paid && { paid }) })
    this.#store.wakeAt(leaseUntil + 1)
    this.#working?.resolve(null)
    this.#working = Promise.withResolvers()
    return { kind: 'work', claimId }
  }

  /** Waits until the work or settlement under way ends, the lease lapses, or `deadline`. */
  async #wait(row: LedgerRow, deadline: number): Promise<Failure | null> {
    const until = row.state === 'claimed' ? Math.min(deadline, row.leaseUntil) : deadline
    const timeout = Promise.withResolvers<null>()
    const timer = setTimeout(() => timeout.resolve(null), Math.max(until - now(), 0) + 1)
    // A restarted object knows the row of its predecessor, but not who waited there.
    this.#working ??= Promise.withResolvers()
    const work: Promise<Failure | null | Outcome> = this.#settlement.running ?? this.#working.promise
    const ended = await Promise.race([timeout.promise, work])
    clearTimeout(timer)
    return ended !== null && 'code' in ended ? ended : null
  }

  #readClaim(claimId: string): RowIn<'claimed'> | undefined {
    const { row } = this.#store
    return row?.state === 'claimed' && row.claimId === claimId ? row : undefined
  }

  /** Renews the lease of a claim. False: it has been lost, stop. */
  renew(claimId: string): boolean {
    const row = this.#readClaim(claimId)
    if (!row) return false
    const leaseUntil = now() + LEASE_MS
    this.#store.write({ ...row, leaseUntil })
    this.#store.wakeAt(leaseUntil + 1)
    return true
  }

  /** The work gave nothing. Nothing was taken: the payment is unspent again. Money was taken: the work is owed. */
  fail(claimId: string, failure: Failure): Failure {
    const row = this.#readClaim(claimId)
    if (!row) return failure
    const told = row.paid ? { ...failure, owedUntil: row.paid.owedUntil } : failure
    this.#release(row)
    this.#working?.resolve(told)
    return told
  }

  #release(row: RowIn<'claimed'>): void {
    this.#verdict = undefined
    if (row.paid) this.#store.write({ ...knownOf(row), state: 'owed', paid: row.paid })
    else this.#store.forget()
  }

  /** The work of a claim is done and its result is kept. False: the claim was lost, and the result is nobody's. */
  complete(claimId: string, result: StoredResult): boolean {
    const row = this.#readClaim(claimId)
    if (!row) return false
    if (row.paid) {
      const resultUntil = now() + RESULT_LIFE_MS
      this.#store.write({ ...knownOf(row), state: 'settled', result, receipt: row.paid.receipt, resultUntil })
      this.#store.wakeAt(resultUntil)
    } else {
      this.#store.write({ ...knownOf(row), state: 'worked', result })
      this.#store.wakeAt(row.credential.validBefore * 1000 + DEAD_MARGIN_MS)
    }
    this.#working?.resolve(null)
    return true
  }

  /**
   * Collects the payment. Runs here, so that a caller who hangs up once it has begun changes nothing.
   * @param claimId the claim that collects before its work; not needed once there is a result
   */
  settle(claimId?: string): Promise<Outcome> {
    // Whoever waits for work finds out that there is none, or that there is more.
    return this.#settlement.settle(claimId).finally(() => this.#working?.resolve(null))
  }

  /** Looks and cleans up; never starts a settlement. Idempotent, and never throws: it would be repeated for ever. */
  override async alarm(): Promise<void> {
    const { row } = this.#store
    if (row === undefined) return
    try {
      if (this.#settlement.running) this.#store.wakeAt(nextLook(row))
      else await this.#tidy(row)
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', event: 'ledger_alarm', error: String(error) }))
      this.#store.wakeAt(nextLook(row))
    }
  }

  async #tidy(row: LedgerRow): Promise<void> {
    if (row.state === 'claimed') {
      if (!isOver(row)) return this.#store.wakeAt(row.leaseUntil + 1)
      this.#release(row)
      this.#working?.resolve(null)
    } else if (row.state === 'settled') {
      if (row.resultUntil > now()) return this.#store.wakeAt(row.resultUntil)
      await this.#parts.results.delete(row.result.key)
    } else if (row.state === 'refused' && row.result) {
      await this.#parts.results.delete(row.result.key)
      this.#store.write({ ...row, result: null })
    } else if (row.state === 'worked' || row.state === 'settling' || row.state === 'unknown') {
      await this.#settlement.lookAgain()
    }
  }
}

/**
 * Whether a claim may begin over this row: its worker is gone, or so slow that its answer will be refused; or it ended
 * for good, and the same challenge was paid anew with other signed bytes.
 */
function isReplaceable(row: LedgerRow, { claimant, digest }: Credential): boolean {
  if (row.state === 'claimed') return isOver(row) && row.paid === undefined
  return row.state === 'refused' && row.credential.claimant === claimant && row.credential.digest !== digest
}

const isOver = (row: RowIn<'claimed'>): boolean => row.leaseUntil < now()

/** Whether a request may hear what the payment bought: the same payment, from whoever paid. A refused one bought nothing. */
const isOwner = (row: LedgerRow, credential: Credential, address: string | null): boolean =>
  row.credential.claimant === credential.claimant && (row.state === 'refused' || isProven(row, credential, address))
