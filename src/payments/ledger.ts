import { DurableObject } from 'cloudflare:workers'
import { now, nowSeconds } from '../clock.ts'
import { type Collected, Deferral } from './deferral.ts'
import type { LedgerParts } from './ledger-parts.ts'
import {
  type Admission,
  type Claim,
  DEAD_MARGIN_MS,
  type Failure,
  isOver,
  isReplaceable,
  JOIN_MS,
  type Known,
  keysOf,
  knownOf,
  LEASE_MS,
  type LedgerRow,
  type Order,
  type Outcome,
  OWED_MS,
  type Paid,
  payerOf,
  type Recalled,
  type RowIn,
  recallFrom,
  routeOf,
  SECOND_LOOK_MS,
  TELL_AGAIN_MS,
  toOutcome,
  toSettled,
  transactionsOf,
} from './ledger-row.ts'
import { Notices } from './notices.ts'
import type { Ask, Credential, PaymentProtocol, Verdict } from './protocol.ts'
import { type Caller, isOwner } from './replay-proof.ts'
import type { StoredResult } from './result-store.ts'
import { RowStore } from './row-store.ts'
import { nextLook, Settlement } from './settlement.ts'
import { tidy } from './tidy.ts'
import { Verdicts } from './verdicts.ts'
import { WaitingRoom } from './waiting-room.ts'

type Valid = Verdict & { kind: 'valid' }

/**
 * One payment: who works for it, what it bought, whether it is collected. One object per payment key, so it is the one
 * place where a payment's callers meet; `await` lets them interleave, so every step reads the row anew.
 * Truth: the chain for the money, this row for what the money bought, R2 for the bytes.
 */
export class Ledger extends DurableObject {
  readonly #parts: LedgerParts
  readonly #store: RowStore
  readonly #settlement: Settlement
  readonly #notices: Notices
  readonly #deferral: Deferral
  readonly #verdicts = new Verdicts((credential) => this.#protocolOf(credential))
  readonly #waiting = new WaitingRoom()

  constructor(ctx: DurableObjectState, env: Env, parts: LedgerParts) {
    super(ctx, env)
    this.#parts = parts
    this.#store = new RowStore(ctx.storage)
    this.#settlement = new Settlement(this.#store, {
      protocolOf: ({ credential }) => this.#protocolOf(credential),
      maySend: async ({ idempotencyKeys: hashes, credential: { key } }) =>
        (await Promise.all(hashes.map((hash) => parts.openIdempotencyKey(hash).send(key)))).every(Boolean),
    })
    this.#notices = new Notices(ctx, this.#store, parts)
    this.#deferral = new Deferral(this.#store, {
      ...parts,
      settle: () => this.settle(),
      ...{ settlement: this.#settlement, notices: this.#notices },
      receiptHeaders: ({ receipt, credential }) => this.#protocolOf(credential).receiptHeaders(receipt, credential),
    })
  }

  #protocolOf({ protocol: name }: Credential): PaymentProtocol {
    const protocol = this.#parts.protocols.find((candidate) => candidate.name === name)
    if (!protocol) throw new Error(`payment protocol ${name} is not configured`)
    return protocol
  }

  /** Judges a credential before its body is read. One verification runs for all who show the same signed bytes. */
  async admit(credential: Credential, ask: Ask, caller: Caller): Promise<Admission> {
    const { row } = this.#store
    if (row === undefined || isReplaceable(row, credential)) {
      const verdict = await this.#verdicts.judge(credential, ask)
      if (verdict.kind !== 'valid') return verdict
      return { kind: 'admitted', needsWork: true, payer: verdict.payer }
    }
    if (!isOwner(row, credential, caller)) return { kind: 'used' }
    if (row.state === 'refused') return { kind: 'refused', reason: row.reason }
    const needsWork = row.state === 'owed' || (row.state === 'claimed' && isOver(row))
    return { kind: 'admitted', needsWork, payer: payerOf(row) }
  }

  /**
   * The credential that pays for the request of an Idempotency-Key, for callers who show the key alone, or another
   * payment. Null: this payment was not used with it, or it can be had anew; nothing of it has been taken.
   */
  recall(idempotencyKey: string): Recalled | null {
    return recallFrom(this.#store.row, idempotencyKey)
  }

  /** Takes the payment for one request, or says who has it. Waits up to 25 s while somebody else works on it. */
  async claim(credential: Credential, order: Order, caller: Caller): Promise<Claim> {
    const deadline = now() + JOIN_MS
    const { fingerprint } = order
    for (;;) {
      const { row } = this.#store
      if (row === undefined || isReplaceable(row, credential)) {
        const verdict = await this.#verdicts.judge(credential, order.ask)
        if (verdict.kind !== 'valid') return verdict
        // Others had their turn meanwhile.
        const { row: present } = this.#store
        if (present !== undefined && !isReplaceable(present, credential)) continue
        return this.#start(credential, verdict, order, caller)
      }
      if (!isOwner(row, credential, caller)) return { kind: 'used' }
      const paid = row.state === 'owed' || (row.state === 'claimed' && isOver(row)) ? row.paid : undefined
      if (paid) return this.#workOff(row, paid, order, caller)
      if (row.state === 'claimed' || (this.#settlement.running && row.state !== 'settled')) {
        if (deadline <= now()) return { kind: 'in_progress' }
        const until = row.state === 'claimed' ? Math.min(deadline, row.leaseUntil) : deadline
        const failure = await this.#waiting.wait(until, this.#settlement.running)
        if (failure && !order.isShared && row.fingerprint === fingerprint) return { kind: 'failed', failure }
        continue
      }
      if (row.state === 'refused') return { kind: 'refused', reason: row.reason }
      // Collected before the work, or about to be: that buys any request of this route.
      const isBound = 'result' in row && row.result !== null
      if (isBound && row.fingerprint !== fingerprint) {
        // The same challenge was paid anew: what was sent for it first may be settled by now, or can never come.
        const isOpen = row.state !== 'settled' && row.credential.digest !== credential.digest
        if (isOpen && (await this.#settlement.lookAgain()).kind !== 'pending') continue
        return { kind: 'conflict', ...(row.state === 'settled' && { transaction: row.receipt.transaction }) }
      }
      const idempotencyKeys = keysOf(row, caller)
      if (idempotencyKeys.length > row.idempotencyKeys.length) this.#store.write({ ...row, idempotencyKeys })
      if (row.state === 'settled') return toOutcome(row)
      return row.isDeferred && isBound ? { kind: 'authorized', result: row.result! } : { kind: 'settle' }
    }
  }

  /**
   * Collects a payment whose request is still coming, so that it does not end before the work is done. Does nothing when
   * the payment is known. Answers until when the work is owed, or null: what came of it is then for `claim` to say.
   */
  async collectEarly(credential: Credential, ask: Ask, caller: Caller): Promise<number | null> {
    const isFree = () => this.#store.row === undefined || isReplaceable(this.#store.row, credential)
    if (!isFree()) return null
    const verdict = await this.#verdicts.judge(credential, ask)
    if (verdict.kind !== 'valid' || verdict.receipt || !isFree()) return null
    await this.settle(this.#hold(this.#know(credential, verdict, ask, null, caller)).claimId)
    const { row } = this.#store
    return row?.state === 'owed' ? row.paid.owedUntil : null
  }

  #start(credential: Credential, verdict: Valid, order: Order, caller: Caller): Claim {
    const known = this.#know(credential, verdict, order.ask, order.fingerprint, caller)
    const { receipt } = verdict
    if (receipt) return this.#hold(known, { receipt, owedUntil: now() + OWED_MS })
    const claim = this.#hold(known)
    const needed = this.#protocolOf(credential).needsSeconds(order.workSeconds)
    const endsTooSoon = credential.validBefore - nowSeconds() < needed
    return order.moneyFirst || verdict.moneyFirst || endsTooSoon ? { ...claim, kind: 'settle' } : claim
  }

  /** What a new row says. The row that it replaces is done with. */
  #know(credential: Credential, verdict: Valid, ask: Ask, fingerprint: string | null, caller: Caller): Known {
    const { row } = this.#store
    if (row?.state === 'claimed') this.#notices.markFailure(row, row.claimId)
    // What it has to answer for stays, whatever comes of the next signature.
    if (row?.state === 'refused') this.#notices.tell(row)
    if (row?.state === 'refused' && row.result) void this.#parts.results.delete(row.result.key).catch(() => {})
    const { terms, payer, height } = verdict
    const { address, addressRecord } = caller
    const facts = { credential, payer, terms, height, fingerprint, route: routeOf(ask), since: now(), sentAt: null }
    const history = { transactions: transactionsOf(row, credential), isDeferred: false }
    return { ...facts, ...history, address, addressRecord, idempotencyKeys: keysOf(undefined, caller) }
  }

  #workOff(row: LedgerRow, paid: Paid, { ask, fingerprint }: Order, caller: Caller): Claim {
    if (paid.owedUntil < now() || row.route !== routeOf(ask)) {
      return { kind: 'conflict', transaction: paid.receipt.transaction }
    }
    if (row.state === 'claimed') this.#notices.markFailure(row, row.claimId)
    return this.#hold({ ...knownOf(row), fingerprint, idempotencyKeys: keysOf(row, caller) }, paid)
  }

  #hold(known: Known, paid?: Paid): Claim & { kind: 'work' } {
    const claimId = crypto.randomUUID()
    const leaseUntil = now() + LEASE_MS
    this.#store.write({ ...known, state: 'claimed', claimId, leaseUntil, ...(paid && { paid }) })
    this.#store.wakeAt(leaseUntil + 1)
    this.#waiting.begin()
    const { payer, terms } = known
    return { kind: 'work', claimId, due: paid || payer === null ? null : { payer, amount: terms.amount } }
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
    this.#waiting.end(told)
    return told
  }

  /** Whoever worked under this claim is gone. */
  readonly #lapse = (row: RowIn<'claimed'>): void => {
    this.#notices.markFailure(row, row.claimId)
    this.#release(row)
    this.#waiting.end(null)
  }

  #release(row: RowIn<'claimed'>): void {
    this.#verdicts.forget()
    if (row.paid) {
      this.#store.write({ ...knownOf(row), state: 'owed', paid: row.paid })
      this.#store.wakeAt(row.paid.owedUntil + 1)
    } else this.#store.forget()
    this.#notices.tell()
  }

  /**
   * The work of a claim is done and its result is kept. False: the claim was lost, and the result is nobody's.
   * @param isDeferred work goes on after the answer: it collects (`collectFor`) or gives back (`giveBack`)
   */
  complete(claimId: string, result: StoredResult, isDeferred = false): boolean {
    const row = this.#readClaim(claimId)
    if (!row) return false
    if (row.paid) {
      this.#store.write(toSettled(row, result, row.paid.receipt))
      this.#store.wakeAt(now() + SECOND_LOOK_MS)
    } else {
      this.#store.write({ ...knownOf(row), state: 'worked', result, isDeferred })
      this.#store.wakeAt(row.credential.validBefore * 1000 + DEAD_MARGIN_MS)
    }
    this.#waiting.end(null)
    return true
  }

  /**
   * Collects the payment. Runs here, so that a caller who hangs up once it has begun changes nothing.
   * @param claimId the claim that collects before its work; not needed once there is a result
   */
  async settle(claimId?: string): Promise<Outcome> {
    try {
      const outcome = await this.#settlement.settle(claimId)
      const row = claimId && this.#readClaim(claimId)
      if (row && outcome.kind === 'superseded') this.#release(row)
      return outcome
    } finally {
      // Whoever waits for work finds out that there is none, or that there is more.
      this.#waiting.end(null)
      // Collected before its work: usually that begins at once, and nobody need hear of it.
      if (this.#store.row?.state !== 'owed') this.#notices.tell()
    }
  }

  /** @see Deferral.collect */
  collectFor(result: string): Promise<Collected> {
    return this.#deferral.collect(result)
  }

  /** @see Deferral.giveBack */
  giveBack(result: string, isTheirs: boolean): ReturnType<Deferral['giveBack']> {
    return this.#deferral.giveBack(result, isTheirs)
  }

  /** Looks and cleans up; never starts a settlement. Idempotent, and never throws: it would be repeated for ever. */
  override async alarm(): Promise<void> {
    const { row } = this.#store
    const parts = { store: this.#store, settlement: this.#settlement, ...this.#parts, lapse: this.#lapse }
    try {
      if (row) await tidy(row, parts)
      await this.#notices.publish()
    } catch (error) {
      console.error(JSON.stringify({ level: 'error', event: 'ledger_alarm', error: String(error) }))
      this.#store.wakeAt(row ? nextLook(row) : now() + TELL_AGAIN_MS)
    }
  }
}
