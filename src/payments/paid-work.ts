import type { Context } from 'hono'
import { now } from '../clock.ts'
import type { AppEnv } from '../env.ts'
import { ApiError, type ErrorCode } from '../errors.ts'
import { fromFailure, toFailure } from './failure.ts'
import { keepResult } from './keep-result.ts'
import { type Claim, type Due, type Order, type Outcome, RENEWAL_MS } from './ledger-row.ts'
import { judgeDeferral } from './may-defer.ts'
import type { Credential, PaymentProtocol } from './protocol.ts'
import type { Caller } from './replay-proof.ts'
import type { StoredResult } from './result-store.ts'
import type { PaidCall } from './sale.ts'
import { standingOf } from './standing.ts'
import type { LedgerClient } from './till.ts'
import type { Upload } from './upload.ts'

/** One credential that is shown for one whole request. */
export interface PaidJob {
  readonly c: Context<AppEnv>
  readonly call: PaidCall
  readonly protocol: PaymentProtocol
  readonly credential: Credential
  readonly ledger: LedgerClient
  readonly order: Order
  readonly caller: Caller
  readonly upload: Upload
  /** Told of work that failed, and was not charged. */
  markFailure(code: ErrorCode): void
  /** Told when a payment that was judged good begins to buy something. */
  giveProbeBack(): void
}

/** How a job ended, as far as it is an answer: a paid result, or a refusal for a 402. */
export type JobEnd = { readonly kind: 'answer'; readonly response: Response } | Refused

interface Refused {
  readonly kind: 'refused'
  readonly reason: string
}

const ledgerUnreachable = (cause: unknown): never => {
  const message = 'The ledger of payments cannot be reached. Send the same request with the same payment again.'
  throw new ApiError('payment_unavailable', { cause, message })
}

/**
 * Claims the payment, works where there is no result yet, keeps the result, collects, answers.
 * @throws ApiError whatever else the caller must be told
 */
export async function runPaidJob(job: PaidJob): Promise<JobEnd> {
  const { c, credential, ledger, order, caller } = job
  for (;;) {
    const claim = await ledger.claim(credential, order, caller).catch(ledgerUnreachable)
    c.var.log.claim = claim.kind
    if (claim.kind === 'refused') return claim
    if (claim.kind === 'settled' || claim.kind === 'authorized') {
      return answer(job, claim, await openResult(job, claim), true)
    }
    if (claim.kind !== 'work' && claim.kind !== 'settle') throw toError(claim)
    if (claim.claimId !== undefined) job.giveProbeBack()

    const kept = claim.kind === 'work' ? await workOnce(job, claim) : undefined
    if (kept?.kind === 'refused') return kept
    if (kept?.isDeferred) {
      const bought = { kind: 'authorized', result: kept.result } as const
      return answer(job, bought, kept.bytes ?? (await openResult(job, bought)), false)
    }
    const outcome = await collect(job, claim.kind === 'settle' ? claim.claimId : undefined)
    // Owed: now comes the work. Refused: that may have been an earlier signature over the same challenge; the claim knows.
    if (outcome.kind === 'owed' || outcome.kind === 'refused') continue
    return answer(job, outcome, kept?.bytes ?? (await openResult(job, outcome)), false)
  }
}

/** What there is to answer with. */
type Bought = (Outcome & { kind: 'settled' }) | (Claim & { kind: 'authorized' })

/** What a claim says that neither works nor answers. */
function toError(claim: Exclude<Claim, { kind: 'work' | 'settle' | 'settled' | 'authorized' | 'refused' }>): ApiError {
  switch (claim.kind) {
    case 'used':
      return new ApiError('payment_already_used')
    case 'conflict':
      return new ApiError(
        'payment_already_used',
        claim.transaction ? { details: { transaction: claim.transaction } } : {},
      )
    case 'in_progress':
      return new ApiError('payment_in_progress', { retryAfter: 2 })
    case 'failed':
      return fromFailure(claim.failure)
    case 'unavailable':
      return new ApiError('payment_unavailable', { cause: claim.cause })
  }
}

async function collect(job: PaidJob, claimId?: string): Promise<Outcome & { kind: 'settled' | 'owed' | 'refused' }> {
  const { c, ledger } = job
  // Money may move from here on: whatever goes wrong is for the ledger to find out, never a 402.
  const outcome = await ledger.settle(claimId).catch((cause): never => {
    throw new ApiError('payment_pending', { cause })
  })
  c.var.log.outcome = outcome.kind
  if (outcome.kind === 'pending') throw new ApiError('payment_pending')
  if (outcome.kind === 'unavailable') throw new ApiError('payment_unavailable', { cause: outcome.cause })
  // Whoever comes back with the Idempotency-Key gets what the other payment buys.
  if (outcome.kind === 'superseded') throw new ApiError('payment_in_progress', { retryAfter: 2 })
  return outcome
}

/** A result that is kept. */
interface Kept {
  readonly kind: 'kept'
  readonly result: StoredResult
  /** Null for one that is too large for memory. */
  readonly bytes: Uint8Array | null
  /** It is collected when the work that goes on has succeeded. */
  readonly isDeferred: boolean
}

/**
 * Works and keeps the result.
 * @throws ApiError when there is none; the ledger knows it by then
 */
async function workOnce(job: PaidJob, { claimId, due }: Claim & { kind: 'work' }): Promise<Kept | Refused> {
  const { c, call, credential, ledger, upload } = job
  const { results, openStanding } = c.var.services.till
  c.var.log.worked = true
  const renewal = setInterval(async () => {
    if (!(await ledger.renew(claimId).catch(() => true))) clearInterval(renewal)
  }, RENEWAL_MS)
  let stored: StoredResult
  let bytes: Uint8Array | null
  try {
    const key = createResultKey(credential)
    const { result, kept } = await inTime(call.limitSeconds, async (signal) => {
      const result = await call.work(upload)
      return { result, kept: await keepResult(result, key, results, signal) }
    })
    bytes = kept.bytes
    stored = { key, status: result.status, headers: result.headers, size: kept.size }
  } catch (error) {
    const failure = toFailure(error)
    job.markFailure(failure.code)
    throw fromFailure(await ledger.fail(claimId, failure).catch(() => failure), error)
  } finally {
    clearInterval(renewal)
  }
  const isDeferred = await defer(job, claimId, due, stored.key)
  if (isDeferred === null) return { kind: 'refused', reason: 'funds_in_use' }
  if (!(await ledger.complete(claimId, stored, isDeferred).catch(ledgerUnreachable))) {
    await results.delete(stored.key).catch(() => {})
    if (isDeferred)
      await openStanding(standingOf.payer(due!.payer))
        .letGo(stored.key)
        .catch(() => {})
    throw new ApiError('payment_in_progress', { retryAfter: 2 })
  }
  return { kind: 'kept', result: stored, bytes, isDeferred }
}

/** Whether this payment waits for the end of work that goes on; null: it is refused, and nothing is kept. */
async function defer(job: PaidJob, claimId: string, due: Due | null, result: string): Promise<boolean | null> {
  const { c, call, protocol, credential, ledger } = job
  const { openStanding, results } = c.var.services.till
  const seconds = call.defersSeconds
  if (seconds === undefined || due === null) return false
  const verdict = await judgeDeferral({ protocol, credential, due, seconds, result }, openStanding)
  if (verdict !== 'short') return verdict === 'deferred'
  await results.delete(result).catch(() => {})
  await ledger.fail(claimId, toFailure(new ApiError('payment_in_progress'))).catch(ledgerUnreachable)
  return null
}

const createResultKey = ({ key }: Credential): string => `results/${key.replace(':', '/')}/${crypto.randomUUID()}`

/** Gives work up that takes longer: a result that does not come must not keep its claim for ever. */
async function inTime<T>(seconds: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const cause = new Error(`no result within ${seconds} s`)
    controller.abort(cause)
    late.reject(new ApiError('processor_unavailable', { cause }))
  }, seconds * 1000)
  try {
    return await Promise.race([work(controller.signal), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The kept bytes of what was bought. @throws ApiError `result_expired`, or `payment_pending` when R2 fails */
async function openResult({ c }: PaidJob, bought: Bought): Promise<ReadableStream<Uint8Array>> {
  const isOver = bought.kind === 'settled' && bought.resultUntil <= now()
  const body = isOver
    ? null
    : await c.var.services.till.results.open(bought.result.key).catch((cause): never => {
        const message = 'The result is kept and cannot be read at the moment. Send the same request again.'
        throw new ApiError('payment_pending', { cause, message })
      })
  if (body !== null) return body
  // Given back this very moment.
  if (bought.kind === 'authorized') throw new ApiError('payment_in_progress', { retryAfter: 2 })
  throw new ApiError('result_expired', { details: { transaction: bought.receipt.transaction } })
}

/** What could not be handed over is paid for all the same, or will be, and can be had by the same payment. */
function failToHandOver(error: unknown, bought: Bought): never {
  if (error instanceof ApiError && error.code === 'payment_already_used') throw error
  const failure = toFailure(error)
  const state = bought.kind === 'settled' ? 'It is paid for' : 'Its payment is held for it'
  const message = `${failure.message} ${state}: send it again with the same payment, or the same Idempotency-Key.`
  const owed = bought.kind === 'settled' && { owedUntil: bought.resultUntil }
  throw fromFailure({ ...failure, message, ...owed }, error)
}

async function answer(
  { call, protocol, credential }: PaidJob,
  bought: Bought,
  body: Uint8Array | ReadableStream<Uint8Array>,
  isReplay: boolean,
): Promise<JobEnd> {
  const { result } = bought
  const headers = new Headers(result.headers)
  headers.set('Content-Length', String(result.size))
  if (isReplay) headers.set('Idempotent-Replayed', 'true')
  const kept = new Response(body, { status: result.status, headers })
  const receipt = bought.kind === 'settled' ? bought.receipt : null
  const authorization = receipt ? null : { payment: credential.key, result: result.key }
  const purchase = { answer: kept, transaction: receipt?.transaction ?? null, authorization }
  const response = (await call.handOver?.(purchase).catch((error) => failToHandOver(error, bought))) ?? kept
  response.headers.set('Cache-Control', 'private, no-store')
  const receipts = receipt ? protocol.receiptHeaders(receipt, credential) : []
  for (const [name, value] of receipts) response.headers.set(name, value)
  return { kind: 'answer', response }
}
