import type { Context, Handler } from 'hono'
import type { AppEnv, Services } from '../env.ts'
import { ApiError, type ErrorCode } from '../errors.ts'
import type { RequestBody } from '../request-body.ts'
import { fingerprintOf } from './fingerprint.ts'
import { runPaidJob } from './paid-work.ts'
import { createPaymentRequired, refusalFor, unpaid } from './payment-required.ts'
import { type Ask, type Credential, CredentialError, type PaymentProtocol, type Price } from './protocol.ts'
import { hashAddress, readAddress } from './replay-proof.ts'

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
  /** How long the work is expected to take. A payment that would not outlive it is collected first. */
  readonly workSeconds: number
  /** Does what is paid for. @throws ApiError when there is no result; then nothing is charged */
  work(body: Uint8Array): Promise<WorkResult>
}

/** What an endpoint sells. */
export interface Sale {
  /** Media type of the result, for challenges. */
  readonly mimeType: string
  price(services: Services): Price
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
    const { services, body, host } = c.var
    const { till, config } = services
    if (till.protocols.length === 0) {
      const message = `This deployment cannot take payments: ${config.problems.join('; ')}.`
      throw new ApiError('not_configured', { message })
    }
    const ask: Ask = {
      method: route.method,
      route: route.path,
      resource: host.origin + route.path,
      realm: host.name,
      description: route.summary,
      mimeType: sale.mimeType,
      price: sale.price(services),
    }
    // Accepted is every protocol; offered is what the host is for.
    const own = till.protocols.filter(({ name }) => name === host.role)
    const offered = own.length > 0 ? own : till.protocols
    const refuse = (refusal = unpaid(ask)) => createPaymentRequired(offered, ask, refusal, c.var.requestId)

    const read = readCredential(till.protocols, c.req.raw.headers)
    if (read === null && (await isProbe(c.req.raw.headers, body))) return refuse()
    const call = await sale.prepare(c)
    if (read === null) return refuse()
    if (read instanceof CredentialError) return refuse(refusalFor(read.reason))

    const { protocol, credential } = read
    c.var.log.payment = credential.key
    const ledger = till.openLedger(credential.key)
    const address = await hashAddress(readAddress(c.req.raw.headers), credential)
    const admission = await ledger.admit(credential, ask, address).catch((cause): never => {
      throw new ApiError('payment_unavailable', {
        cause,
        message: 'The ledger of payments cannot be reached. Try again.',
      })
    })
    if (admission.kind === 'refused') return refuse(refusalFor(admission.reason))
    if (admission.kind === 'used') throw new ApiError('payment_already_used')
    if (admission.kind === 'unavailable') throw new ApiError('payment_unavailable', { cause: admission.cause })

    const bytes = await body.readAll(call.bodyLimit.bytes, call.bodyLimit.error)
    const fingerprint = await fingerprintOf(ask, call.options, bytes)
    const job = runPaidJob({ c, ask, call, protocol, credential, ledger, body: bytes, fingerprint, address })
    // Goes on when the client hangs up: the ledger must hear how the work ended.
    c.executionCtx.waitUntil(job.catch(() => {}))
    const end = await job
    return end.kind === 'answer' ? end.response : refuse(refusalFor(end.reason))
  }

/** Reads the one credential of a request. A malformed one is a value: free checks come first. */
function readCredential(
  protocols: readonly PaymentProtocol[],
  headers: Headers,
): { protocol: PaymentProtocol; credential: Credential } | CredentialError | null {
  const found: ({ protocol: PaymentProtocol; credential: Credential } | CredentialError)[] = []
  for (const protocol of protocols) {
    try {
      const credential = protocol.read(headers)
      if (credential) found.push({ protocol, credential })
    } catch (error) {
      if (!(error instanceof CredentialError)) throw error
      found.push(error)
    }
  }
  if (found.length > 1) throw new ApiError('ambiguous_payment')
  return found[0] ?? null
}

/** Directories ask for the price by sending nothing, or the JSON `{}`. */
async function isProbe(headers: Headers, body: RequestBody): Promise<boolean> {
  if (body.declaredBytes === 0) return true
  const isJson = /^application\/json\b/i.test(headers.get('content-type') ?? '')
  if (body.declaredBytes !== null && (!isJson || body.declaredBytes > 64)) return false
  const { bytes, isWhole } = await body.readHead()
  if (!isWhole) return false
  return bytes.length === 0 || (isJson && /^\s*(\{\s*\})?\s*$/.test(new TextDecoder().decode(bytes)))
}
