import type { Handler } from 'hono'
import type { AppEnv } from '../env.ts'
import { ApiError } from '../errors.ts'
import type { RequestBody } from '../request-body.ts'
import { readIdempotencyKey } from './idempotency-key.ts'
import { countedAs } from './limits.ts'
import { createPaymentRequired, refusalFor, unpaid } from './payment-required.ts'
import { type Ask, type Credential, CredentialError, type PaymentProtocol } from './protocol.ts'
import { purchase, type ShownPayment } from './purchase.ts'
import { readAddress } from './replay-proof.ts'
import type { Sale } from './sale.ts'

/** Answers one paid route: 402 without payment; with one, the work is done once, kept, collected, then answered. */
export const requirePayment =
  (sale: Sale, route: { method: string; path: string; summary: string }): Handler<AppEnv> =>
  async (c) => {
    const redeemed = await sale.redeem?.(c)
    if (redeemed) return redeemed
    const { services, body, host } = c.var
    const { till, config } = services
    if (till.protocols.length === 0) {
      const message = `This deployment cannot take payments: ${config.problems.join('; ')}.`
      throw new ApiError('not_configured', { message })
    }
    const asked = new URL(c.req.url).searchParams
    const price = sale.price(services, asked)
    let ask: Ask = {
      method: route.method,
      route: sale.soldAs?.(asked, price) ?? route.path,
      resource: host.origin + route.path,
      realm: host.name,
      description: route.summary,
      mimeType: sale.mimeType,
      price,
    }
    // Accepted is every protocol; offered is what the host is for.
    const own = till.protocols.filter(({ name }) => name === host.role)
    const offered = own.length > 0 ? own : till.protocols
    const refuse = (refusal = unpaid(ask)) => createPaymentRequired(offered, ask, refusal, c.var.requestId)

    const { headers } = c.req.raw
    const address = readAddress(headers)
    const counted = countedAs(headers, address)
    const shown = readPayment(till.protocols, headers)
    if (shown === null) {
      await till.unpaidLimit.take(counted)
      if (!sale.isBodiless && (await isProbe(headers, body))) return refuse()
    }
    const call = await sale.prepare(c)
    if (call.offer) ask = { ...ask, price: call.offer.price, route: call.offer.soldAs }
    if (call.defersSeconds !== undefined) ask = { ...ask, isDeferred: true }
    const isMalformed = shown instanceof CredentialError
    if (isMalformed) await till.unpaidLimit.take(counted)
    const payment = isMalformed ? null : shown
    const idempotencyKey = await readIdempotencyKey(headers, payment?.credential ?? null)
    const isShared = sale.isShared === true
    const end = await purchase({
      c,
      ask,
      path: route.path,
      call,
      isShared,
      shown: payment,
      idempotencyKey,
      address,
      counted,
    })
    if (end.kind === 'answer') return end.response
    if (end.kind === 'refused') return refuse(refusalFor(end.reason))
    if (isMalformed) return refuse(refusalFor(shown.reason))
    await call.assertReady()
    return refuse()
  }

/** Reads the one payment of a request. A malformed one is a value: free checks come first. */
function readPayment(protocols: readonly PaymentProtocol[], headers: Headers): ShownPayment | CredentialError | null {
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
  return bytes.length === 0 || (isJson && /^(\{\s*\})?$/.test(new TextDecoder().decode(bytes).trim()))
}
