import type { Context } from 'hono'
import { now, nowSeconds } from '../clock.ts'
import type { AppEnv } from '../env.ts'
import { ApiError, type ErrorCode, type ErrorSpec, errors } from '../errors.ts'
import { fromFailure, toFailure } from './failure.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { Binding } from './idempotency-key.ts'
import { type JobEnd, runPaidJob } from './paid-work.ts'
import type { Ask, Credential, PaymentProtocol } from './protocol.ts'
import { type Caller, hashAddress } from './replay-proof.ts'
import type { PaidCall } from './sale.ts'
import { namesOfRecords } from './standing.ts'
import type { Upload } from './upload.ts'

/** A payment that a request carries. */
export interface ShownPayment {
  readonly protocol: PaymentProtocol
  readonly credential: Credential
}

/** A request for a paid route whose free checks have passed. */
export interface Visit {
  readonly c: Context<AppEnv>
  readonly ask: Ask
  /** The endpoint's own path: what it is sold as, and for, makes no other request of it. */
  readonly path: string
  readonly call: PaidCall
  /** Whether other calls may have what the payment has bought: it is then for `call` to say what that is. */
  readonly isShared: boolean
  /** The payment that it carries, or null. */
  readonly shown: ShownPayment | null
  /** Hash of the Idempotency-Key that it carries, or null. */
  readonly idempotencyKey: string | null
  /** Where it comes from, where that proves something. */
  readonly address: string | null
  /** Whom the unpaid limit counts. */
  readonly counted: string
}

/** A visit that is about to be paid for. */
interface Checkout extends Visit {
  readonly payment: ShownPayment
  readonly caller: Caller
}

/** How long what the records say is believed while a body comes in. */
const CONDUCT_FRESH_MS = 10_000

const unreachable = (cause: unknown): never => {
  const message = 'The records of payments cannot be reached. Send the same request with the same payment again.'
  throw new ApiError('payment_unavailable', { cause, message })
}

/**
 * Serves a request by what pays for it: the payment that its Idempotency-Key stands for, or the one that it carries.
 * `unpaid`: neither.
 * @throws ApiError whatever else the caller must be told
 */
export async function purchase(visit: Visit): Promise<JobEnd | { readonly kind: 'unpaid' }> {
  const { c, call, shown, idempotencyKey, counted } = visit
  const { till } = c.var.services
  const binding = idempotencyKey && (await till.openIdempotencyKey(idempotencyKey).read().catch(unreachable))
  if (!binding || !idempotencyKey) return shown ? sell(visit, shown, null) : { kind: 'unpaid' }

  // Nobody has judged what it carries: it counts as unpaid until it is answered.
  if (shown) await till.unpaidLimit.take(counted)
  const upload = await call.takeBody()
  try {
    const recalled = await till.openLedger(binding.payment).recall(idempotencyKey).catch(unreachable)
    const fingerprint = await fingerprintOf(
      { method: visit.ask.method, route: visit.path },
      call.options,
      upload.sha256,
    )
    // Work that is owed may be another request: clients that sign anew could not have it otherwise.
    const isFree = binding.fingerprint === null || recalled?.isOwed
    if (!isFree && binding.fingerprint !== fingerprint) throw new ApiError('idempotency_key_reused')
    const payment = (recalled && suitEnvelope(recalled.credential, visit)) ?? shown
    if (!payment) return { kind: 'unpaid' }
    const end = await sell(visit, payment, binding, upload)
    if (end.kind === 'answer') till.unpaidLimit.giveBack(counted)
    return end
  } finally {
    c.executionCtx.waitUntil(upload.discard())
  }
}

/** What an Idempotency-Key's payment is to this visit: its receipt suits the envelope that is shown now. */
function suitEnvelope(credential: Credential, { c, shown }: Visit): ShownPayment | null {
  const protocol = c.var.services.till.protocols.find(({ name }) => name === credential.protocol)
  if (!protocol) return null
  const isSameProtocol = shown?.credential.protocol === credential.protocol
  return {
    protocol,
    credential: isSameProtocol ? { ...credential, envelopes: shown.credential.envelopes } : credential,
  }
}

/** Sells to whoever shows `payment`, or may have it. The upload is taken in once the payment is judged. */
async function sell(visit: Visit, payment: ShownPayment, binding: Binding | null, taken?: Upload): Promise<JobEnd> {
  const { c, ask, call, isShared, idempotencyKey, address, counted } = visit
  const { till } = c.var.services
  const { credential } = payment
  c.var.log.payment = credential.key
  const ledger = till.openLedger(credential.key)
  const caller: Caller = {
    address: await hashAddress(address, credential.key),
    addressRecord: await hashAddress(address, 'standing'),
    idempotencyKey,
  }
  const checkout: Checkout = { ...visit, payment, caller }

  const admission = await ledger.admit(credential, ask, caller).catch(unreachable)
  if (admission.kind === 'unavailable') throw new ApiError('payment_unavailable', { cause: admission.cause })
  if (admission.kind !== 'admitted') {
    await till.unpaidLimit.take(counted)
    if (admission.kind === 'refused') return admission
    throw new ApiError('payment_already_used')
  }
  const records = namesOfRecords(admission.payer, caller.addressRecord)
  const judge = async (): Promise<boolean> => {
    const { blockedFor, moneyFirst } = await readConduct(checkout, records).catch(unreachable)
    if (admission.needsWork && blockedFor > 0) throw new ApiError('too_many_failures', { retryAfter: blockedFor })
    if (admission.needsWork) await call.assertReady()
    return moneyFirst
  }
  const judgedAt = now()
  let moneyFirst = await judge()

  /** Work that failed without being charged; what fails because we are busy is nobody's fault. */
  const markFailure = (code: ErrorCode) => {
    const { status, isOurs }: ErrorSpec = errors[code]
    if (status === 503 || isOurs) return
    const mark = (name: string) => till.openStanding(name).mark(c.var.requestId, 'failure', '0')
    c.executionCtx.waitUntil(Promise.all(records.map(mark)).catch(() => {}))
  }
  const upload = taken ?? (await takeInTime(checkout, markFailure))
  try {
    // A body that trickles in must not keep an old verdict.
    if (now() - judgedAt > CONDUCT_FRESH_MS) moneyFirst = await judge()
    const fingerprint = await fingerprintOf({ method: ask.method, route: visit.path }, call.options, upload.sha256)
    if (idempotencyKey) await bind(checkout, fingerprint, binding)
    const job = {
      c,
      call,
      ...payment,
      ledger,
      caller,
      order: {
        ask,
        isShared,
        fingerprint: isShared ? await fingerprintOf(ask, {}, '') : fingerprint,
        workSeconds: call.workSeconds,
        moneyFirst,
      },
      upload,
      markFailure,
      giveProbeBack: () => till.unpaidLimit.giveBack(counted),
    }
    const end = await runPaidJob(job)
    if (end.kind === 'refused') await till.unpaidLimit.take(counted)
    return end
  } catch (error) {
    // A stranger who shows what somebody else has paid.
    if (error instanceof ApiError && error.code === 'payment_already_used') await till.unpaidLimit.take(counted)
    throw error
  } finally {
    if (!taken) c.executionCtx.waitUntil(upload.discard())
  }
}

/** What the payer's and the address's records say about this call. No address has a settlement that failed. */
async function readConduct(
  { c }: Visit,
  records: readonly string[],
): Promise<{ blockedFor: number; moneyFirst: boolean }> {
  const { openStanding, breaker } = c.var.services.till
  const reads = Promise.all(records.map((name) => openStanding(name).read()))
  const [conducts, isTripped] = await Promise.all([reads, breaker()])
  const blockedFor = Math.max(0, ...conducts.map((conduct) => conduct.blockedFor))
  return { blockedFor, moneyFirst: isTripped || conducts.some(({ mustPayFirst }) => mustPayFirst) }
}

/**
 * Binds the Idempotency-Key to this payment, before anything may be sent for it.
 * @throws ApiError when it stands for another request, or another payment came first
 */
async function bind({ c, payment, idempotencyKey }: Checkout, fingerprint: string | null, seen: Binding | null) {
  const { key } = payment.credential
  const bound = await c.var.services.till
    .openIdempotencyKey(idempotencyKey!)
    .bind(fingerprint, key, seen?.version ?? null)
    .catch(unreachable)
  if (bound.payment !== key) throw new ApiError('payment_in_progress', { retryAfter: 2 })
  if (fingerprint !== null && bound.fingerprint !== fingerprint) throw new ApiError('idempotency_key_reused')
}

/**
 * Takes the body in. A payment that would end before the body has come and the work is done is collected meanwhile:
 * what fails then is owed.
 */
async function takeInTime(checkout: Checkout, markFailure: (code: ErrorCode) => void): Promise<Upload> {
  const { c, ask, call, payment, caller, idempotencyKey } = checkout
  const { body, services } = c.var
  const { protocol, credential } = payment
  const collect = async (): Promise<number | null> => {
    if (idempotencyKey) await bind(checkout, null, null)
    return services.till.openLedger(credential.key).collectEarly(credential, ask, caller)
  }
  let early: Promise<number | null> | undefined
  const spare = credential.validBefore - nowSeconds() - protocol.needsSeconds(call.workSeconds)
  const timer = setTimeout(
    () => {
      // What came of it is for the claim to find out.
      if (body.isPending()) early = collect().catch(() => null)
    },
    Math.max(0, spare * 1000),
  )
  try {
    return await call.takeBody()
  } catch (error) {
    if (error instanceof ApiError) markFailure(error.code)
    const owedUntil = await early
    throw owedUntil ? fromFailure({ ...toFailure(error), owedUntil }, error) : error
  } finally {
    clearTimeout(timer)
  }
}
