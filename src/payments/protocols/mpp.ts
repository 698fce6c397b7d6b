import { Buffer } from 'node:buffer'
import { Challenge, Credential as MppCredential, Receipt as MppReceipt } from 'mppx'
import { type Hex, isHex, keccak256, parseUnits, stringToHex } from 'viem'
import { now, nowSeconds } from '../../clock.ts'
import { ApiError } from '../../errors.ts'
import { CHALLENGE_LIFE_S } from '../challenge-token.ts'
import {
  type Ask,
  type Credential,
  CredentialError,
  type Finding,
  type PaymentProtocol,
  type Price,
  type Receipt,
  type Refusal,
  type Terms,
  type Verdict,
} from '../protocol.ts'
import { type Execution, encodeTransfer, PATH_USD, type Tempo } from '../tempo.ts'
import { isBoundMemo } from './mpp-memo.ts'
import { decodePull, judgePull, type PullTransaction } from './mpp-transaction.ts'

export interface MppConfig {
  /** 4217 is Tempo, 42431 its testnet. */
  readonly chainId: 4217 | 42431
  readonly payTo: Hex
  readonly rpcUrl: string
  readonly secretKey: string
  /** The secret before the last rotation: its challenges hold until they expire. */
  readonly previousSecretKey: string | null
  /** Private key of the wallet that pays the fees of payers, or null: they pay their own. */
  readonly sponsorKey: Hex | null
}

/** What `read` finds: the echoed challenge, and how it was paid. */
interface MppPayment {
  readonly challenge: Challenge.Challenge
  readonly paid: ({ readonly kind: 'pull' } & PullTransaction) | { readonly kind: 'push'; readonly hash: Hex }
}

const MAX_HEADER_BYTES = 8 * 1024
/** How far nodes behind one URL may be apart: none of them has a transaction that ended longer ago than this. */
const DEAD_MARGIN_S = 30

/** RFC 9457 problem types of the MPP core specification, by our reason; any other reason is `verification-failed`. */
const problems: Readonly<Record<string, readonly [type: string, title: string]>> = {
  payment_required: ['payment-required', 'Payment Required'],
  invalid_payload: ['malformed-credential', 'Malformed Credential'],
  invalid_challenge: ['invalid-challenge', 'Invalid Challenge'],
  challenge_expired: ['payment-expired', 'Payment Expired'],
}

/** Units of pathUSD, which has six decimals. */
const toAmount = (price: Price): string => parseUnits(price, 6).toString()
const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
/** Only `read` makes credentials of this protocol, so their payload is one of ours. */
const paymentOf = (credential: Credential): MppPayment => credential.payload as MppPayment

/**
 * MPP, method `tempo`, intent `charge`. Challenges, credentials and receipts are mppx's; judging and sending is our own,
 * because mppx asks the chain before it checks a signature, and forgets a payment whose answer it lost
 * (docs/notes.md). The ledger's key is the challenge id: however often it is signed, it is charged once.
 */
export function createMpp(config: MppConfig, tempo: Tempo): PaymentProtocol {
  const { chainId, payTo } = config
  const network = `eip155:${chainId}`
  const secretKeys = [config.secretKey, ...(config.previousSecretKey ? [config.previousSecretKey] : [])]

  const describeRoute = ({ method, route }: Ask): string => `${method} ${route}`
  const bindTo =
    ({ realm, id }: Challenge.Challenge) =>
    (memo: Hex): boolean =>
      isBoundMemo(memo, realm, id)

  /** The terms of a challenge of ours for this route, or why it is none. */
  function judgeChallenge(challenge: Challenge.Challenge, ask: Ask): Terms | { reason: string } {
    const isOurs = secretKeys.some((secretKey) => Challenge.verify(challenge, { secretKey }))
    const meta = challenge.opaque ? readMeta(challenge.opaque) : {}
    if (!isOurs || challenge.method !== 'tempo' || meta.route !== describeRoute(ask))
      return { reason: 'invalid_challenge' }
    const { amount, methodDetails } = challenge.request as { amount: string; methodDetails?: { chainId?: number } }
    return methodDetails?.chainId === chainId ? { amount } : { reason: 'invalid_challenge' }
  }

  async function verifyPull(payment: PullTransaction, challenge: Challenge.Challenge, terms: Terms): Promise<Verdict> {
    const verdict = await judgeUnsent(payment, challenge, terms)
    if (verdict.kind !== 'refused') return verdict
    // Its payer may have sent it: then it is no refusal, the money has moved.
    const [{ height }, execution] = await Promise.all([tempo.readHead(), tempo.readExecution(payment.hash)])
    const receipt = execution && findReceipt(execution, payment.hash, challenge, terms)
    return receipt ? { kind: 'valid', terms, height, receipt } : verdict
  }

  async function judgeUnsent(payment: PullTransaction, challenge: Challenge.Challenge, terms: Terms): Promise<Verdict> {
    if (Date.parse(challenge.expires ?? '') < now()) return { kind: 'refused', reason: 'challenge_expired' }
    const amount = BigInt(terms.amount)
    const wanted = {
      chainId,
      to: recipientOf(challenge),
      amount,
      isBound: bindTo(challenge),
      isSponsored: isSponsored(challenge),
    }
    const judged = judgePull(payment, wanted, nowSeconds())
    if ('reason' in judged) return { kind: 'refused', reason: judged.reason }
    const call = { to: PATH_USD, data: encodeTransfer(judged.transfer) }
    const [{ height }, wouldSucceed] = await Promise.all([tempo.readHead(), tempo.simulate(payment.sender, call)])
    if (!wouldSucceed) return { kind: 'refused', reason: 'transaction_would_fail' }
    return { kind: 'valid', terms, height, moneyFirst: judged.moneyFirst }
  }

  /** The money moved before we saw the credential: honoured whatever its age. */
  async function verifyPush(hash: Hex, challenge: Challenge.Challenge, terms: Terms): Promise<Verdict> {
    const [head, execution] = await Promise.all([tempo.readHead(), tempo.readExecution(hash)])
    if (execution === null) {
      const mayStillCome = Date.parse(challenge.expires ?? '') / 1000 + DEAD_MARGIN_S > head.time
      return mayStillCome
        ? { kind: 'unavailable', cause: 'no block holds the transaction yet' }
        : { kind: 'refused', reason: 'transaction_not_found' }
    }
    const receipt = findReceipt(execution, hash, challenge, terms)
    return receipt
      ? { kind: 'valid', terms, height: head.height, receipt }
      : { kind: 'refused', reason: 'invalid_transfer' }
  }

  /** The receipt of a transaction that paid this challenge, else null. */
  function findReceipt(
    { transfers }: Execution,
    transaction: Hex,
    challenge: Challenge.Challenge,
    { amount }: Terms,
  ): Receipt | null {
    const isBound = bindTo(challenge)
    const paid = transfers.find(
      (transfer) =>
        isSame(transfer.to, recipientOf(challenge)) && transfer.amount === BigInt(amount) && isBound(transfer.memo),
    )
    return paid ? { transaction, network, payer: paid.from, amount, at: now() } : null
  }

  const toFinding = (execution: Execution, credential: Credential, terms: Terms): Finding => {
    const { challenge, paid } = paymentOf(credential)
    const receipt = findReceipt(execution, paid.hash, challenge, terms)
    return receipt ? { kind: 'paid', receipt } : { kind: 'dead', reason: 'transaction_failed' }
  }

  return {
    name: 'mpp',

    describe(price) {
      const terms = { method: 'tempo', intent: 'charge', currency: PATH_USD }
      return { facts: terms, offer: { ...terms, amount: toAmount(price), description: 'pathUSD on Tempo' } }
    },

    async challenge(ask, refusal) {
      const challenge = Challenge.from({
        secretKey: config.secretKey,
        realm: ask.realm,
        method: 'tempo',
        intent: 'charge',
        request: {
          amount: toAmount(ask.price),
          currency: PATH_USD,
          recipient: payTo,
          methodDetails: { chainId, supportedModes: ['pull'], ...(config.sponsorKey && { feePayer: true }) },
        },
        description: ask.description,
        expires: new Date(now() + CHALLENGE_LIFE_S * 1000).toISOString(),
        // Ids are deterministic otherwise, and the ledger is keyed by them.
        meta: { nonce: crypto.randomUUID(), route: describeRoute(ask) },
      })
      return {
        headers: [['WWW-Authenticate', Challenge.serialize(challenge)]],
        body: {},
        problem: toProblem(refusal, challenge.id),
      }
    },

    read(headers) {
      const header = headers.get('authorization')
      const scheme = header && MppCredential.extractPaymentScheme(header)
      if (!scheme) return null
      if (scheme.length > MAX_HEADER_BYTES) throw new ApiError('header_too_large')
      try {
        return toCredential(MppCredential.deserialize(scheme), config.sponsorKey)
      } catch {
        throw new CredentialError('invalid_payload')
      }
    },

    async verify(credential, ask) {
      const { challenge, paid } = paymentOf(credential)
      const terms = judgeChallenge(challenge, ask)
      if ('reason' in terms) return { kind: 'refused', reason: terms.reason }
      try {
        return paid.kind === 'pull'
          ? await verifyPull(paid, challenge, terms)
          : await verifyPush(paid.hash, challenge, terms)
      } catch (error) {
        return { kind: 'unavailable', cause: String(error) }
      }
    },

    async settle(credential, terms) {
      const { paid } = paymentOf(credential)
      if (paid.kind === 'push') return { kind: 'unknown', cause: 'a push is found, never sent' }
      try {
        const finding = toFinding(await tempo.send(paid.raw), credential, terms)
        return finding.kind === 'paid'
          ? { kind: 'settled', receipt: finding.receipt }
          : { kind: 'unknown', cause: 'the transaction failed' }
      } catch (error) {
        return { kind: 'unknown', cause: String(error) }
      }
    },

    async find(credential, terms) {
      const { paid } = paymentOf(credential)
      try {
        // In this order: what a block past the end does not hold can never come.
        const head = await tempo.readHead()
        const execution = await tempo.readExecution(paid.hash)
        if (execution) return toFinding(execution, credential, terms)
        return head.time > credential.validBefore + DEAD_MARGIN_S
          ? { kind: 'dead', reason: 'transaction_expired' }
          : { kind: 'unused' }
      } catch (error) {
        return { kind: 'unknown', cause: String(error) }
      }
    },

    receiptHeaders({ transaction, at }) {
      const timestamp = new Date(at).toISOString()
      return [
        [
          'Payment-Receipt',
          MppReceipt.serialize({ method: 'tempo', status: 'success', timestamp, reference: transaction }),
        ],
      ]
    },
  }
}

/** A genuine challenge names the address that was ours when we made it: `TEMPO_PAY_TO` may have changed since. */
const recipientOf = ({ request }: Challenge.Challenge): Hex => request.recipient as Hex

const isSponsored = ({ request }: Challenge.Challenge): boolean =>
  (request.methodDetails as { feePayer?: unknown } | undefined)?.feePayer === true

/** @throws when the payload is none of ours */
function toCredential({ challenge, payload, source }: MppCredential.Credential, sponsorKey: Hex | null): Credential {
  const paid = readPaid(payload, isSponsored(challenge) ? sponsorKey : null)
  const sender = paid.kind === 'pull' ? paid.sender : (source?.split(':').at(-1) ?? '')
  return {
    protocol: 'mpp',
    // Not the id itself: that is the payer's proof, and keys stand in logs.
    key: `mpp:${keccak256(stringToHex(challenge.id))}`,
    digest: keccak256(stringToHex([challenge.id, JSON.stringify(challenge), paid.hash].join())),
    // The id is never on chain: whoever shows it has the challenge that was paid.
    claimant: challenge.id,
    proof: challenge.id,
    payer: sender,
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

function readMeta(opaque: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(opaque, 'base64url').toString())
  } catch {
    return {}
  }
}

function toProblem({ error, message }: Refusal, challengeId: string): Record<string, unknown> {
  const [type, title] = problems[error] ?? ['verification-failed', 'Verification Failed']
  return { type: `https://paymentauth.org/problems/${type}`, title, status: 402, detail: message, challengeId }
}
