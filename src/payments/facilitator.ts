import type { PaymentPayload, PaymentRequirements, SettleResponse, VerifyResponse } from '@x402/core/types'
import { createCdpToken } from './cdp-token.ts'

/** An x402 facilitator: checks payments and puts them on chain. */
export interface Facilitator {
  /** @throws FacilitatorError when it cannot be asked or answers nonsense */
  verify(payload: PaymentPayload, requirements: PaymentRequirements): Promise<VerifyResponse>
  /** Not safe to believe when it fails. @throws FacilitatorError; the payment may have been sent all the same */
  settle(payload: PaymentPayload, requirements: PaymentRequirements): Promise<SettleResponse>
  /** Whether it answers `GET /supported`. @throws FacilitatorError */
  ping(): Promise<void>
}

export interface FacilitatorConfig {
  readonly url: string
  /** Coinbase Developer Platform keys, for its facilitator. */
  readonly cdp: { readonly keyId: string; readonly keySecret: string } | null
}

/** The facilitator could not be asked, refused us, or did not answer in its protocol. */
export class FacilitatorError extends Error {
  override name = 'FacilitatorError'
}

/** Verifying is a few calls to a node. Settling waits for a block, on Base two seconds, and for its confirmation. */
const TIMEOUT_MS = { supported: 3_000, verify: 8_000, settle: 20_000 } as const
type Operation = keyof typeof TIMEOUT_MS

/** Creates the client of the facilitator that `config` names. Its `/supported` is never asked on the way of a payment. */
export function createFacilitator(config: FacilitatorConfig): Facilitator {
  const base = new URL(config.url.endsWith('/') ? config.url : `${config.url}/`)

  async function call(operation: Operation, body?: unknown): Promise<Record<string, unknown>> {
    const url = new URL(operation, base)
    const method = body === undefined ? 'GET' : 'POST'
    let response: Response
    let answer: unknown
    const authorization = config.cdp && `Bearer ${await createCdpToken(config.cdp, method, url)}`
    try {
      response = await fetch(url, {
        method,
        headers: { 'content-type': 'application/json', ...(authorization && { authorization }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS[operation]),
      })
      answer = await response.json()
    } catch (cause) {
      throw new FacilitatorError(`${operation}: ${cause instanceof Error ? cause.name : 'no answer'}`, { cause })
    }
    if (response.status === 401 || response.status === 403) {
      throw new FacilitatorError(`${operation}: the facilitator refuses our keys (HTTP ${response.status})`)
    }
    if (typeof answer !== 'object' || answer === null) throw new FacilitatorError(`${operation}: not an object`)
    // Refusals come as 200 or as 4xx with the same body, depending on the facilitator; a 5xx is never a verdict.
    if (response.status >= 500) throw new FacilitatorError(`${operation}: HTTP ${response.status}`)
    return answer as Record<string, unknown>
  }

  const request = (paymentPayload: PaymentPayload, paymentRequirements: PaymentRequirements) => ({
    x402Version: paymentPayload.x402Version,
    paymentPayload,
    paymentRequirements,
  })

  return {
    async verify(payload, requirements) {
      const answer = await call('verify', request(payload, requirements))
      if (typeof answer.isValid !== 'boolean') throw new FacilitatorError('verify: no verdict in the answer')
      return answer as VerifyResponse
    },
    async settle(payload, requirements) {
      const answer = await call('settle', request(payload, requirements))
      if (typeof answer.success !== 'boolean') throw new FacilitatorError('settle: no outcome in the answer')
      return answer as SettleResponse
    },
    async ping() {
      const answer = await call('supported')
      if (!Array.isArray(answer.kinds)) throw new FacilitatorError('supported: no kinds in the answer')
    },
  }
}
