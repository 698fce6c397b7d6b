import { Buffer } from 'node:buffer'
import { concat, getAddress, type Hex, isAddress, isHex, keccak256, numberToHex } from 'viem'
import { ApiError } from '../../errors.ts'
import { type Credential, CredentialError } from '../protocol.ts'
import { readPaymentIdentifier } from './payment-identifier.ts'

/** Names of the networks in x402 v1 and v2. */
export const networkNames = { 'eip155:8453': 'base', 'eip155:84532': 'base-sepolia' } as const
export type Network = keyof typeof networkNames

/** The two x402 envelopes: which header asks in, which header answers. */
export const envelopes = {
  v2: { request: 'payment-signature', response: 'PAYMENT-RESPONSE' },
  v1: { request: 'x-payment', response: 'X-PAYMENT-RESPONSE' },
} as const
export type Envelope = keyof typeof envelopes

/** A payment as both envelopes carry it, checked for shape only. Addresses are checksummed, the nonce lower case. */
export interface X402Payment {
  readonly signature: Hex
  readonly authorization: {
    readonly from: Hex
    readonly to: Hex
    readonly value: string
    readonly validAfter: string
    readonly validBefore: string
    readonly nonce: Hex
  }
  /** What the client says it accepted. v1 says scheme and network only. */
  readonly accepted: {
    readonly scheme: string
    readonly network: string
    readonly asset?: string
    readonly amount?: string
    readonly payTo?: string
    /** The challenge token that the client echoes. */
    readonly replay?: string
  }
  /** The id of the extension `payment-identifier`. */
  readonly identifier?: string
}

/** x402 v1 and v2 headers hold a signature and some JSON; nothing honest comes near this. */
const MAX_HEADER_BYTES = 8 * 1024

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const present = <Value>(key: string, value: Value | undefined) => (value === undefined ? {} : { [key]: value })

function decode(header: string): Json {
  if (header.length > MAX_HEADER_BYTES) throw new ApiError('header_too_large')
  if (!/^[\w+/-]+={0,2}$/.test(header)) throw new CredentialError('invalid_payload')
  try {
    const json: unknown = JSON.parse(Buffer.from(header, 'base64').toString())
    if (isObject(json)) return json
  } catch {}
  throw new CredentialError('invalid_payload')
}

const toAddress = (value: unknown): Hex => {
  // Letter case carries no meaning for us: some clients send upper case, and a wrong checksum moves no money elsewhere.
  if (typeof value === 'string' && isAddress(value, { strict: false })) return getAddress(value.toLowerCase() as Hex)
  throw new CredentialError('invalid_payload')
}
const toUint = (value: unknown): string => {
  if (typeof value === 'string' && /^\d{1,78}$/.test(value)) return BigInt(value).toString()
  throw new CredentialError('invalid_payload')
}
const toHex = (value: unknown, length?: number): Hex => {
  if (isHex(value) && value.length % 2 === 0 && (length === undefined || value.length === length)) {
    return value.toLowerCase() as Hex
  }
  throw new CredentialError('invalid_payload')
}

function readAccepted(json: Json): X402Payment['accepted'] {
  const accepted = json.x402Version === 1 ? json : json.accepted
  if (!isObject(accepted)) throw new CredentialError('invalid_payload')
  const { scheme, network } = accepted
  if (typeof scheme !== 'string' || typeof network !== 'string') throw new CredentialError('invalid_payload')
  if (json.x402Version === 1) return { scheme, network }
  const extra = isObject(accepted.extra) ? accepted.extra : {}
  return {
    scheme,
    network,
    ...present('asset', textOf(accepted.asset)),
    ...present('amount', textOf(accepted.amount)),
    ...present('payTo', textOf(accepted.payTo)),
    ...present('replay', textOf(extra.replay)),
  }
}

function readPayment(header: string): X402Payment {
  const json = decode(header)
  if (json.x402Version !== 1 && json.x402Version !== 2) throw new CredentialError('invalid_payload')
  const { payload } = json
  if (!isObject(payload) || !isObject(payload.authorization)) throw new CredentialError('invalid_payload')
  const { from, to, value, validAfter, validBefore, nonce } = payload.authorization
  return {
    signature: toHex(payload.signature),
    authorization: {
      from: toAddress(from),
      to: toAddress(to),
      value: toUint(value),
      validAfter: toUint(validAfter),
      validBefore: toUint(validBefore),
      nonce: toHex(nonce, 66),
    },
    accepted: readAccepted(json),
    ...present('identifier', readPaymentIdentifier(json.extensions)),
  }
}

/** The chain that a payment names: CAIP-2 or the v1 name. Unknown names get a chain of their own, which nobody serves. */
export const chainIdOf = ({ accepted }: X402Payment): number => {
  const known = Object.entries(networkNames).find(([v2, v1]) => accepted.network === v2 || accepted.network === v1)
  return known ? Number(known[0].split(':')[1]) : 0
}

const hash = (text: string): Hex => keccak256(new TextEncoder().encode(text))

function toCredential(payment: X402Payment, asset: Hex): Credential {
  const { authorization, signature } = payment
  const chainId = numberToHex(chainIdOf(payment), { size: 32 })
  const key = keccak256(concat([chainId, asset, authorization.from, authorization.nonce]))
  const { from, to, value, validAfter, validBefore } = authorization
  const signed = [key, from, to, value, validAfter, validBefore, signature].join()
  const digest = hash(signed)
  return {
    protocol: 'x402',
    key: `x402:${key}`,
    digest,
    claimant: digest,
    proof: payment.accepted.replay === undefined ? null : hash(payment.accepted.replay),
    idempotencyKey: payment.identifier ?? null,
    payer: from,
    transaction: null,
    validBefore: Number(validBefore),
    envelopes: [],
    payload: payment,
  }
}

/**
 * The payment in the x402 headers of a request, whichever envelope it came in; null without one.
 * @param asset the token whose authorizations we take
 * @throws CredentialError, ApiError as `PaymentProtocol.read` says
 */
export function readCredential(headers: Headers, asset: Hex): Credential | null {
  const found: { envelope: Envelope; credential: Credential }[] = []
  for (const envelope of ['v2', 'v1'] as const) {
    const header = headers.get(envelopes[envelope].request)
    if (header === null) continue
    found.push({ envelope, credential: toCredential(readPayment(header), asset) })
  }
  const [first, second] = found
  if (first === undefined) return null
  if (second !== undefined && second.credential.digest !== first.credential.digest) {
    throw new ApiError('ambiguous_payment')
  }
  return { ...first.credential, envelopes: found.map(({ envelope }) => envelope) }
}
