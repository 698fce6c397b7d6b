import type { Context } from 'hono'
import { nowSeconds } from '../clock.ts'
import type { AppEnv } from '../env.ts'
import { ApiError, type ErrorCode, errors } from '../errors.ts'
import { fromFailure, toFailure } from './failure.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { Binding } from './idempotency-key.ts'
import { type JobEnd, runPaidJob } from './paid-work.ts'
import type { Ask, Credential, PaymentProtocol } from './protocol.ts'
import { type Caller, hashAddress } from './replay-proof.ts'
import type { PaidCall } from './sale.ts'
import { standingOf } from './standing.ts'
import { takeUpload, type Upload } from './upload.ts'

/** A payment that a request carries. */
export interface ShownPayment {
  readonly protocol: PaymentProtocol
  readonly credential: Credential
}

/** A request for a paid route whose free checks have passed. */
export interface Visit {
  readonly c: Context<AppEnv>
  readonly ask: Ask
  readonly call: PaidCall
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
  if (!binding) return shown ? sell(visit, shown, null) : { kind: 'unpaid' }

  const upload = await takeUpload(c.var.body, call.bodyLimit, till.spool)
  try {
    await matchRequest(visit, binding, upload)
    const recalled = binding.payment === shown?.credential.key ? null : await recall(visit, binding)
    const payment = recalled ?? shown
    if (!payment) return { kind: 'unpaid' }
    const end = await sell(visit, payment, binding, upload)
    if (!shown && end.kind === 'answer') till.unpaidLimit.giveBack(counted)
    return end
  } finally {
    c.executionCtx.waitUntil(upload.discard())
  }
}

/** @throws ApiError `idempotency_key_reused` when the key stands for another request */
async function matchRequest({ ask, call }: Visit, { fingerprint }: Binding, { sha256 }: Upload): Promise<string> {
  const present = await fingerprintOf(ask, call.options, sha256)
  if (fingerprint !== null && fingerprint !== present) throw new ApiError('idempotency_key_reused')
  return present
}

/** The payment that the key stands for, unless nothing of it has been taken. The receipt suits the present envelope. */
async function recall({ c, shown, idempotencyKey }: Visit, binding: Binding): Promise<ShownPayment | null> {
  const { till } = c.var.services
  const credential = await till.openLedger(binding.payment).recall(idempotencyKey!).catch(unreachable)
  const protocol = till.protocols.find(({ name }) => name === credential?.protocol)
  if (!credential || !protocol) return null
  const isSameProtocol = shown?.credential.protocol === credential.protocol
  return {
    protocol,
    credential: isSameProtocol ? { ...credential, envelopes: shown.credential.envelopes } : credential,
  }
}

/** Sells to whoever shows `payment`, or may have it. The upload is taken in once the payment is judged. */
async function sell(visit: Visit, payment: ShownPayment, binding: Binding | null, taken?: Upload): Promise<JobEnd> {
  const { c, ask, call, idempotencyKey, address, counted } = visit
  const { till } = c.var.services
  const { credential } = payment
  c.var.log.payment = credential.key
  const ledger = till.openLedger(credential.key)
  const caller = { address: await hashAddress(address, credential.key), idempotencyKey }
  const checkout: Checkout = { ...visit, payment, caller }

  const admission = await ledger.admit(credential, ask, caller).catch(unreachable)
  if (admission.kind === 'unavailable') throw new ApiError('payment_unavailable', { cause: admission.cause })
  if (admission.kind !== 'admitted') {
    await till.unpaidLimit.take(counted)
    if (admission.kind === 'refused') return admission
    throw new ApiError('payment_already_used')
  }
  const records = await namesOfRecords(admission.payer, address)
  const { blockedFor, moneyFirst } = await readConduct(checkout, records).catch(unreachable)
  if (admission.needsWork && blockedFor > 0) throw new ApiError('too_many_failures', { retryAfter: blockedFor })

  /** Work that failed without being charged; what fails because we are busy is nobody's fault. */
  const markFailure = (code: ErrorCode) => {
    if (errors[code].status === 503) return
    const mark = (name: string) => till.openStanding(name).mark(c.var.requestId, 'failure', '0')
    c.executionCtx.waitUntil(Promise.all(records.map(mark)).catch(() => {}))
  }
  const upload = taken ?? (await takeInTime(checkout, markFailure))
  try {
    const fingerprint = await fingerprintOf(ask, call.options, upload.sha256)
    if (idempotencyKey) await bind(checkout, fingerprint, binding)
    const job = {
      c,
      call,
      ...payment,
      ledger,
      caller,
      order: { ask, fingerprint, workSeconds: call.workSeconds, moneyFirst },
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

async function namesOfRecords(payer: string | null, address: string | null): Promise<string[]> {
  const hash = await hashAddress(address, 'standing')
  return [...(payer ? [standingOf.payer(payer)] : []), ...(hash ? [standingOf.address(hash)] : [])]
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
    return await takeUpload(body, call.bodyLimit, services.till.spool)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    markFailure(error.code)
    const owedUntil = await early
    throw owedUntil ? fromFailure({ ...toFailure(error), owedUntil }, error) : error
  } finally {
    clearTimeout(timer)
  }
}
