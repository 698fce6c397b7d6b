import { Buffer } from 'node:buffer'
import { now } from '../clock.ts'
import type { LedgerRow } from './ledger-row.ts'
import type { Credential } from './protocol.ts'

/** How long the client address alone tells the payer from a stranger. */
const ADDRESS_PROOF_MS = 10 * 60 * 1000

/**
 * Where a request comes from, as far as it can prove something: an IPv4 address, or the /64 of an IPv6 one. Null for
 * callers that are themselves Workers, which share addresses, and where the address is not known.
 */
export const readAddress = (headers: Headers): string | null => (headers.has('cf-worker') ? null : readNetwork(headers))

/** Where a request comes from, whatever it proves: Workers of one place share one. Null: not known. */
export function readNetwork(headers: Headers): string | null {
  const address = headers.get('cf-connecting-ip')
  if (!address) return null
  return address.includes(':') ? `${expandIpv6(address).slice(0, 4).join(':')}::/64` : address
}

function expandIpv6(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => group.replace(/^0+(?=.)/, '')))
  if (tail === undefined) return groups(head)
  const [front, back] = [groups(head), groups(tail)]
  return [...front, ...Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0'), ...back]
}

/** Whoever shows a payment, as far as that proves something. */
export interface Caller {
  /** Hash of the address that the request comes from; null where that proves nothing. */
  readonly address: string | null
  /** Hash of the same address for its record of standing. */
  readonly addressRecord: string | null
  /** Hash of the Idempotency-Key that the request carries. */
  readonly idempotencyKey: string | null
}

/** An address as it is kept: a hash, of use for `subject` alone, such as a payment key. */
export async function hashAddress(address: string | null, subject: string): Promise<string | null> {
  if (address === null) return null
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${subject} ${address}`))
  return Buffer.from(digest).toString('hex')
}

/**
 * Whether a request comes from whoever paid. Once a settlement was sent, the payment stands in the chain's call data and
 * proves nothing by itself; photographs and prompts are guessable, so the body proves nothing either.
 */
export function isProven(row: LedgerRow, credential: Credential, caller: Caller): boolean {
  if (row.state === 'worked' || (row.state === 'claimed' && !row.paid)) return true
  if (row.credential.proof !== null && row.credential.proof === credential.proof) return true
  if (caller.idempotencyKey !== null && row.idempotencyKeys.includes(caller.idempotencyKey)) return true
  const isAtHome = caller.address !== null && row.address === caller.address
  return isAtHome && now() - becamePublic(row) < ADDRESS_PROOF_MS
}

/** Whether a request may hear what the payment bought: the same payment, from whoever paid. A refused one bought nothing. */
export const isOwner = (row: LedgerRow, credential: Credential, caller: Caller): boolean =>
  row.credential.claimant === credential.claimant && (row.state === 'refused' || isProven(row, credential, caller))

/** When the payment went out: from then on its signature stands in the chain's call data. */
function becamePublic(row: LedgerRow): number {
  if (row.sentAt !== null) return row.sentAt
  return ('paid' in row && row.paid ? row.paid.receipt.at : null) ?? row.since
}
