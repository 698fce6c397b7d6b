import type { Context, Handler } from 'hono'
import { now } from '../clock.ts'
import type { AppEnv } from '../env.ts'
import { ApiError, type ErrorCode } from '../errors.ts'
import type { RequestBody } from '../request-body.ts'
import { fingerprintOf } from './fingerprint.ts'
import { type Claim, type Failure, type Outcome, RENEWAL_MS } from './ledger-row.ts'
import { createPaymentRequired, refusalFor, unpaid } from './payment-required.ts'
import { type Ask, type Credential, CredentialError, type PaymentProtocol, type Price } from './protocol.ts'
import type { StoredResult } from './result-store.ts'
import type { LedgerClient, Till } from './till.ts'

/** What the work of a paid call gives. */
export interface WorkResult {
  readonly status: 200 | 202
  /** Headers of the answer, `Content-Type` among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReadableStream<Uint8Array>
}

/** A paid call whose free checks have passed. */
export interface PaidCall {
  /** Every option that makes a difference, defaults filled in: with route and body they are "the same request". */
  readonly options: Readonly<Record<string, string>>
  readonly bodyLimit: { readonly bytes: number; readonly error: ErrorCode }
  /** Does what is paid for. @throws ApiError when there is no result; then nothing is charged */
  work(body: Uint8Array): Promise<WorkResult>
}

/** What an endpoint sells. */
export interface Sale {
  /** Media type of the result, for challenges. */
  readonly mimeType: string
  price(services: AppEnv['Variables']['services']): Price
  /**
   * The free checks: headers, and the first 64 KiB of the body where headers do not decide.
   * @throws ApiError when nobody should pay for this request
   */
  prepare(c: Context<AppEnv>): Promise<PaidCall>
}

/** Answers one paid route: 402 without payment; with one, the work is done once, kept, collected, then answered. */
export const requirePayment =
  (sale: Sale, route: { method: string; path: string; summary: string }): Handler<AppEnv> =>
  async (c) => {
    const { till, config } = c.var.services
    if (till.protocols.length === 0) {
      throw new ApiError('not_configured', {
        message: `This deployment cannot take payments: ${config.problems.join('; ')}.`,
      })
    }
    const ask: Ask = {
      method: route.method,
      route: route.path,
      resource: config.publicUrl + route.path,
      description: route.summary,
      mimeType: sale.mimeType,
      price: sale.price(c.var.services),
    }
    return answerPaidCall(c, sale, ask)
  }

async function answerPaidCall(c: Context<AppEnv>, sale: Sale, ask: Ask): Promise<Response> {
  const { body } = c.var
  const { till } = c.var.services
  const refuse = (refusal = unpaid(ask)) => createPaymentRequired(till.protocols, ask, refusal, c.var.requestId)
  const read = readCredential(till.protocols, c.req.raw.headers)
  if (read === null && (await isProbe(c.req.raw.headers, body))) return refuse()
  const call = await sale.prepare(c)
  if (read === null) return refuse()
  if (read instanceof CredentialError) return refuse(refusalFor(read.reason))

  const { protocol, credential } = read
  c.var.log.payment = credential.key
  const ledger = till.openLedger(credential.key)
  const admission = await ledger.admit(credential, ask).catch(sayUnavailable)
  if (admission.kind !== 'admitted') return turnDown(admission, refuse)

  const bytes = await body.readAll(call.bodyLimit.bytes, call.bodyLimit.error)
  const fingerprint = await fingerprintOf(ask, call.options, bytes)
  const claim = await ledger.claim(credential, ask, fingerprint).catch(sayUnavailable)
  c.var.log.claim = claim.kind
  if (claim.kind === 'settled') return answerResult(c, protocol, credential, claim)
  if (claim.kind !== 'work' && claim.kind !== 'settle') return turnDown(claim, refuse)

  // Goes on when the client hangs up: the ledger must hear how it ended.
  const earned = earn(till, ledger, credential, claim, () => call.work(bytes))
  c.executionCtx.waitUntil(earned.catch(() => {}))
  const { outcome, result } = await earned
  c.var.log.outcome = outcome.kind
  if (outcome.kind === 'settled') return answerResult(c, protocol, credential, outcome, result)
  if (outcome.kind === 'refused') return refuse(refusalFor(outcome.reason))
  throw new ApiError('payment_pending')
}

/** Reads the one credential of a request. A malformed one is a value: free checks come first. */
function readCredential(
  protocols: readonly PaymentProtocol[],
  headers: Headers,
): { protocol: PaymentProtocol; credential: Credential } | CredentialError | null {
  const found: { protocol: PaymentProtocol; credential: Credential }[] = []
  for (const protocol of protocols) {
    try {
      const credential = protocol.read(headers)
      if (credential) found.push({ protocol, credential })
    } catch (error) {
      if (error instanceof CredentialError) return error
      throw error
    }
  }
  if (found.length > 1) throw new ApiError('ambiguous_payment')
  return found[0] ?? null
}

/** Directories ask for the price by sending nothing, or the JSON `{}`. */
async function isProbe(headers: Headers, body: RequestBody): Promise<boolean> {
  if (body.declaredBytes === 0) return true
  const isJson = /^application\/json\b/i.test(headers.get('content-type') ?? '')
  const mayBeEmpty = body.declaredBytes === null
  if (!mayBeEmpty && (!isJson || body.declaredBytes > 64)) return false
  const { bytes, isWhole } = await body.readHead()
  if (!isWhole) return false
  return bytes.length === 0 || (isJson && /^\s*(\{\s*\})?\s*$/.test(new TextDecoder().decode(bytes)))
}

const sayUnavailable = (cause: unknown): never => {
  throw new ApiError('payment_unavailable', { cause })
}

/** The answer to a payment that cannot buy this request now. */
function turnDown(
  claim: Exclude<Claim, { kind: 'work' | 'settle' | 'settled' }>,
  refuse: (refusal: ReturnType<typeof refusalFor>) => Promise<Response>,
): Promise<Response> {
  switch (claim.kind) {
    case 'refused':
      return refuse(refusalFor(claim.reason))
    case 'used':
      throw new ApiError('payment_already_used')
    case 'conflict':
      throw new ApiError(
        'payment_already_used',
        claim.transaction ? { details: { transaction: claim.transaction } } : {},
      )
    case 'in_progress':
      throw new ApiError('payment_in_progress', { retryAfter: 2 })
    case 'failed':
      throw new ApiError(claim.failure.code, claim.failure)
    case 'unavailable':
      throw new ApiError('payment_unavailable', { cause: claim.cause })
  }
}

/** Works where there is no result yet, keeps the result, then collects. */
async function earn(
  till: Till,
  ledger: LedgerClient,
  credential: Credential,
  claim: Claim & { kind: 'work' | 'settle' },
  work: () => Promise<WorkResult>,
): Promise<{ outcome: Outcome; result?: Uint8Array }> {
  const kept = claim.kind === 'work' ? await workOnce(till, ledger, credential, claim.fence, work) : undefined
  // From here on money may move: whatever goes wrong is for the ledger to find out, never a 402.
  const outcome = await ledger.settle().catch((cause): never => {
    throw new ApiError('payment_pending', { cause })
  })
  return { outcome, ...(kept && { result: kept }) }
}

async function workOnce(
  till: Till,
  ledger: LedgerClient,
  credential: Credential,
  fence: number,
  work: () => Promise<WorkResult>,
): Promise<Uint8Array> {
  const renewal = setInterval(() => void ledger.renew(fence).catch(() => {}), RENEWAL_MS)
  let stored: StoredResult
  let bytes: Uint8Array
  try {
    const { status, headers, body } = await work()
    bytes = new Uint8Array(await new Response(body).arrayBuffer())
    const key = `results/${credential.key.replace(':', '/')}/${fence}-${crypto.randomUUID()}`
    await till.results.put(key, bytes, headers['Content-Type'] ?? 'application/octet-stream').catch((cause): never => {
      throw new ApiError('processing_failed', { cause, message: 'The result could not be kept. You were not charged.' })
    })
    stored = { key, status, headers, size: bytes.byteLength }
  } catch (error) {
    await ledger.fail(fence, toFailure(error)).catch(() => {})
    throw error
  } finally {
    clearInterval(renewal)
  }
  if (await ledger.complete(fence, stored).catch(sayUnavailable)) return bytes
  await till.results.delete(stored.key).catch(() => {})
  throw new ApiError('payment_in_progress', { retryAfter: 2 })
}

function toFailure(error: unknown): Failure {
  if (!(error instanceof ApiError)) return { code: 'internal_error', message: new ApiError('internal_error').message }
  const { retryAfter } = error.options
  return { code: error.code, message: error.message, ...(retryAfter !== undefined && { retryAfter }) }
}

/** The paid answer. `bytes` where this request did the work; without them the result is read back: a replay. */
async function answerResult(
  c: Context<AppEnv>,
  protocol: PaymentProtocol,
  credential: Credential,
  { receipt, result, resultUntil }: Outcome & { kind: 'settled' },
  bytes?: Uint8Array,
): Promise<Response> {
  const body = bytes ?? (resultUntil > now() ? await openResult(c, result) : null)
  if (body === null) throw new ApiError('result_expired', { details: { transaction: receipt.transaction } })
  const headers = new Headers({ ...result.headers, 'Cache-Control': 'private, no-store' })
  headers.set('Content-Length', String(result.size))
  if (!bytes) headers.set('Idempotent-Replayed', 'true')
  for (const [name, value] of protocol.receiptHeaders(receipt, credential)) headers.set(name, value)
  return new Response(body, { status: result.status, headers })
}

const openResult = (c: Context<AppEnv>, { key }: StoredResult) =>
  c.var.services.till.results.open(key).catch((cause): never => {
    const message = 'The result is paid for and cannot be read at the moment. Send the same request again.'
    throw new ApiError('payment_pending', { cause, message })
  })
