import { Buffer } from 'node:buffer'
import { Challenge, Credential as MppCredential } from 'mppx'
import { type Hex, isHex, keccak256, stringToHex } from 'viem'
import { ApiError } from '../../errors.ts'
import { type Credential, CredentialError } from '../protocol.ts'
import { decodePull, type PullTransaction } from './mpp-transaction.ts'

/** What `read` finds: the echoed challenge, and how it was paid. */
export interface MppPayment {
  readonly challenge: Challenge.Challenge
  readonly paid: ({ readonly kind: 'pull' } & PullTransaction) | { readonly kind: 'push'; readonly hash: Hex }
}

const MAX_HEADER_BYTES = 8 * 1024

/** Only `read` makes credentials of this protocol, so their payload is one of ours. */
export const paymentOf = (credential: Credential): MppPayment => credential.payload as MppPayment

/**
 * The MPP credential in a request's `Authorization`, or null; other schemes are nobody's business here.
 * @throws CredentialError, ApiError as `PaymentProtocol.read` says
 */
export function readCredential(headers: Headers, sponsorKey: Hex | null): Credential | null {
  const header = headers.get('authorization')
  const [scheme, another] = new Set(
    header?.split(',').flatMap((part) => (/^\s*Payment\s/i.test(part) ? [part.trim()] : [])),
  )
  if (!scheme) return null
  if (another) throw new ApiError('ambiguous_payment')
  if (scheme.length > MAX_HEADER_BYTES) throw new ApiError('header_too_large')
  try {
    return toCredential(MppCredential.deserialize(scheme), sponsorKey)
  } catch {
    throw new CredentialError('invalid_payload')
  }
}

/** Whether a challenge is ours, by one of our secrets. */
export function isGenuine(challenge: Challenge.Challenge, secretKey: string): boolean {
  try {
    return Challenge.verify(challenge, { secretKey })
  } catch {
    // Numbers that JSON cannot say again, and the like: no challenge of ours holds them.
    return false
  }
}

/** A genuine challenge names the address that was ours when we made it: `TEMPO_PAY_TO` may have changed since. */
export const recipientOf = ({ request }: Challenge.Challenge): Hex => request.recipient as Hex

/** Whether a challenge offered to pay the network's fee. */
export const isSponsored = ({ request }: Challenge.Challenge): boolean =>
  (request.methodDetails as { feePayer?: unknown } | undefined)?.feePayer === true

/** @throws when the payload is none of ours */
function toCredential({ challenge, payload, source }: MppCredential.Credential, sponsorKey: Hex | null): Credential {
  const paid = readPaid(payload, isSponsored(challenge) ? sponsorKey : null)
  const sender = paid.kind === 'pull' ? paid.sender : (source?.split(':').at(-1) ?? '')
  return {
    protocol: 'mpp',
    // Not the id itself: that is the payer's proof, and keys stand in logs.
    key: `mpp:${keccak256(stringToHex(challenge.id))}`,
    digest: keccak256(stringToHex([challenge.id, JSON.stringify(challenge), paid.kind, paid.hash].join())),
    // The id is never on chain: whoever shows it has the challenge that was paid.
    claimant: challenge.id,
    proof: challenge.id,
    idempotencyKey: null,
    payer: sender,
    transaction: paid.hash,
    validBefore: paid.kind === 'pull' ? paid.validBefore : Math.floor(Date.parse(challenge.expires ?? '') / 1000),
    envelopes: [],
    payload: { challenge, paid } satisfies MppPayment,
  }
}

function readPaid(payload: unknown, sponsorKey: Hex | null): MppPayment['paid'] {
  const { type, signature, hash } = payload as Record<string, unknown>
  if (type === 'transaction' && isHex(signature)) {
    return { kind: 'pull', ...decodePull(signature.toLowerCase() as Hex, sponsorKey) }
  }
  if (type === 'hash' && isHex(hash) && hash.length === 66) return { kind: 'push', hash: hash.toLowerCase() as Hex }
  throw new CredentialError('invalid_payload')
}

/** The meta of a challenge; empty where there is none that can be read. */
export function readMeta(opaque: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(opaque, 'base64url').toString())
  } catch {
    return {}
  }
}
