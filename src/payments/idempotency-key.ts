import { Buffer } from 'node:buffer'
import { ApiError } from '../errors.ts'
import type { Credential } from './protocol.ts'

/** What an Idempotency-Key stands for. */
export interface Binding {
  /** The request: hash of method, route, options and body; null while its body is still coming. */
  readonly fingerprint: string | null
  /** Key of the payment that pays for it. */
  readonly payment: string
  /** New with every change, so that whoever replaces a binding replaces the one that it has seen. */
  readonly version: string
}

/** A key's object as its callers see it, over RPC. */
export interface IdempotencyKeyClient {
  /** What the key stands for; null when it is free. */
  read(): Promise<Binding | null>
  /**
   * Binds the key if it is free, if it still stands for the version `seen`, or if it waits for this payment's body.
   * Answers what it stands for afterwards: compare.
   */
  bind(fingerprint: string | null, payment: string, seen: string | null): Promise<Binding>
  /** Says that money of this payment is about to be sent. False: the key stands for another one; send nothing. */
  send(payment: string): Promise<boolean>
}

/** Opens the object of a key by its hash. */
export type OpenIdempotencyKey = (hash: string) => IdempotencyKeyClient

/**
 * The key that a request carries, as a hash: the header, else the x402 extension `payment-identifier`; null without one.
 * Source of the length: x402 specification, extension payment-identifier.
 * @throws ApiError `invalid_request`
 */
export async function readIdempotencyKey(headers: Headers, credential: Credential | null): Promise<string | null> {
  const key = headers.get('idempotency-key') ?? credential?.idempotencyKey ?? null
  if (key === null) return null
  if (!/^[\x21-\x7e]{16,128}$/.test(key)) {
    const message = 'Idempotency-Key (or the id of payment-identifier) must be 16 to 128 visible ASCII characters.'
    throw new ApiError('invalid_request', { message })
  }
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`Idempotency-Key ${key}`))
  return Buffer.from(digest).toString('hex')
}
