import type { Context } from 'hono'
import { now } from '../clock.ts'
import type { AppEnv } from '../env.ts'
import { ApiError, type ErrorCode } from '../errors.ts'
import { fromFailure, toFailure } from './failure.ts'
import { keepResult } from './keep-result.ts'
import { type Claim, type Order, type Outcome, RENEWAL_MS } from './ledger-row.ts'
import type { Credential, PaymentProtocol } from './protocol.ts'
import type { Caller } from './replay-proof.ts'
import type { StoredResult } from './result-store.ts'
import type { PaidCall } from './sale.ts'
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
export type JobEnd =
  | { readonly kind: 'answer'; readonly response: Response }
  | { readonly kind: 'refused'; readonly reason: string }

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
    if (claim.kind === 'settled') return answer(job, claim, await openResult(job, claim), true)
    if (claim.kind !== 'work' && claim.kind !== 'settle') throw toError(claim)
    if (claim.claimId !== undefined) job.giveProbeBack()

    const kept = claim.kind === 'work' ? await workOnce(job, claim.claimId) : undefined
    const outcome = await collect(job, claim.kind === 'settle' ? claim.claimId : undefined)
    // Owed: now comes the work. Refused: that may have been an earlier signature over the same challenge; the claim knows.
    if (outcome.kind === 'owed' || outcome.kind === 'refused') continue
    return answer(job, outcome, kept ?? (await openResult(job, outcome)), false)
  }
}

/** What a claim says that neither works nor answers. */
function toError(claim: Exclude<Claim, { kind: 'work' | 'settle' | 'settled' | 'refused' }>): ApiError {
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

/**
 * Works and keeps the result. Answers its bytes, or null for one that is too large for memory.
 * @throws ApiError when there is none; the ledger knows it by then
 */
async function workOnce(job: PaidJob, claimId: string): Promise<Uint8Array | null> {
  const { c, call, credential, ledger, upload } = job
  const { results } = c.var.services.till
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
  if (!(await ledger.complete(claimId, stored).catch(ledgerUnreachable))) {
    await results.delete(stored.key).catch(() => {})
    throw new ApiError('payment_in_progress', { retryAfter: 2 })
  }
  return bytes
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

/** The kept bytes of a settled payment. @throws ApiError `result_expired`, or `payment_pending` when R2 fails */
async function openResult({ c }: PaidJob, outcome: Outcome & { kind: 'settled' }): Promise<ReadableStream<Uint8Array>> {
  const { result, receipt, resultUntil } = outcome
  const body =
    resultUntil <= now()
      ? null
      : await c.var.services.till.results.open(result.key).catch((cause): never => {
          const message = 'The result is paid for and cannot be read at the moment. Send the same request again.'
          throw new ApiError('payment_pending', { cause, message })
        })
  if (body === null) throw new ApiError('result_expired', { details: { transaction: receipt.transaction } })
  return body
}

/** What could not be handed over is paid for all the same, and can be had by the same payment. */
function failToHandOver(error: unknown, owedUntil: number): never {
  if (error instanceof ApiError && error.code === 'payment_already_used') throw error
  const failure = toFailure(error)
  const message = `${failure.message} It is paid for: send it again with the same payment, or the same Idempotency-Key.`
  throw fromFailure({ ...failure, message, owedUntil }, error)
}

async function answer(
  { call, protocol, credential }: PaidJob,
  { receipt, result, resultUntil }: Outcome & { kind: 'settled' },
  body: Uint8Array | ReadableStream<Uint8Array>,
  isReplay: boolean,
): Promise<JobEnd> {
  const headers = new Headers(result.headers)
  headers.set('Content-Length', String(result.size))
  if (isReplay) headers.set('Idempotent-Replayed', 'true')
  const kept = new Response(body, { status: result.status, headers })
  const purchase = { answer: kept, transaction: receipt.transaction }
  const response = (await call.handOver?.(purchase).catch((error) => failToHandOver(error, resultUntil))) ?? kept
  response.headers.set('Cache-Control', 'private, no-store')
  for (const [name, value] of protocol.receiptHeaders(receipt, credential)) response.headers.set(name, value)
  return { kind: 'answer', response }
}
