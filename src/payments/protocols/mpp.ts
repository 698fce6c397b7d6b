import { Challenge, Receipt as MppReceipt } from 'mppx'
import { type Hex, parseUnits } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { now, nowSeconds } from '../../clock.ts'
import { CHALLENGE_LIFE_S } from '../challenge-token.ts'
import type { Pace } from '../limits.ts'
import type { Ask, Credential, Finding, PaymentProtocol, Price, Receipt, Refusal, Terms, Verdict } from '../protocol.ts'
import { type Execution, encodeTransfer, PATH_USD, type Tempo } from '../tempo.ts'
import { isGenuine, isSponsored, paymentOf, readCredential, readMeta, recipientOf } from './mpp-credential.ts'
import { isBoundMemo } from './mpp-memo.ts'
import { judgePull, type PullTransaction, readCall } from './mpp-transaction.ts'

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

/** A transaction must outlive the work by this to be sent after it. */
const SETTLE_MARGIN_S = 5
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

/**
 * MPP, method `tempo`, intent `charge`. Challenges, credentials and receipts are mppx's; judging and sending is our own,
 * because mppx asks the chain before it checks a signature, and forgets a payment whose answer it lost
 * (docs/notes.md). The ledger's key is the challenge id: however often it is signed, it is charged once.
 */
export function createMpp(config: MppConfig, tempo: Tempo, mayAsk: Pace): PaymentProtocol {
  const { chainId, payTo } = config
  const network = `eip155:${chainId}`
  const sponsor = config.sponsorKey && privateKeyToAddress(config.sponsorKey)
  const secretKeys = [config.secretKey, ...(config.previousSecretKey ? [config.previousSecretKey] : [])]

  const describeRoute = ({ method, route }: Ask): string => `${method} ${route}`
  const bindTo =
    ({ realm, id }: Challenge.Challenge) =>
    (memo: Hex): boolean =>
      isBoundMemo(memo, realm, id)

  /** The terms of a challenge of ours for this route, or why it is none. */
  function judgeChallenge(challenge: Challenge.Challenge, ask: Ask): Terms | { reason: string } {
    const isOurs = secretKeys.some((secretKey) => isGenuine(challenge, secretKey))
    const meta = challenge.opaque ? readMeta(challenge.opaque) : {}
    if (!isOurs || challenge.method !== 'tempo' || meta.route !== describeRoute(ask))
      return { reason: 'invalid_challenge' }
    const { amount, methodDetails } = challenge.request as { amount: string; methodDetails?: { chainId?: number } }
    return methodDetails?.chainId === chainId ? { amount } : { reason: 'invalid_challenge' }
  }

  async function verifyPull(payment: PullTransaction, challenge: Challenge.Challenge, terms: Terms): Promise<Verdict> {
    const judged = judgeUnsent(payment, challenge, terms)
    // Nothing that happens on chain makes these right.
    if ('reason' in judged && !endings.has(judged.reason)) return { kind: 'refused', reason: judged.reason }
    if (!mayAsk()) return tooMany
    const [{ height }, execution] = await Promise.all([tempo.readHead(), tempo.readExecution(payment.hash)])
    // Its payer may have sent it: then the money has moved, and it is no refusal.
    const receipt = execution && findReceipt(execution, payment.hash, challenge, terms)
    if (receipt) return { kind: 'valid', terms, payer: receipt.payer, height, receipt }
    if (execution) return { kind: 'refused', reason: 'transaction_failed' }
    if ('reason' in judged) return { kind: 'refused', reason: judged.reason }
    const { transfer, maxFee, isSponsored: isOurFee, isSenderProven, moneyFirst } = judged
    const call = { to: PATH_USD, data: encodeTransfer(transfer) }
    const payerOfFee = isOurFee && sponsor ? sponsor : payment.sender
    const [wouldSucceed, balance] = await Promise.all([
      tempo.simulate(payment.sender, call),
      tempo.readBalance(payerOfFee),
    ])
    if (!wouldSucceed) return { kind: 'refused', reason: 'transaction_would_fail' }
    if (isOurFee && balance < maxFee) return { kind: 'unavailable', cause: 'the sponsor has no funds' }
    if (!isOurFee && !moneyFirst && balance < BigInt(terms.amount) + maxFee) {
      return { kind: 'refused', reason: 'insufficient_funds' }
    }
    return { kind: 'valid', terms, payer: isSenderProven ? payment.sender : null, height, moneyFirst }
  }

  function judgeUnsent(payment: PullTransaction, challenge: Challenge.Challenge, terms: Terms) {
    if (Date.parse(challenge.expires ?? '') < now()) return { reason: 'challenge_expired' }
    const wanted = {
      chainId,
      to: recipientOf(challenge),
      amount: BigInt(terms.amount),
      isBound: bindTo(challenge),
      isSponsored: isSponsored(challenge),
    }
    return judgePull(payment, wanted, nowSeconds())
  }

  /** The money moved before we saw the credential: honoured whatever its age. */
  async function verifyPush(hash: Hex, challenge: Challenge.Challenge, terms: Terms): Promise<Verdict> {
    if (!mayAsk()) return tooMany
    const [{ height }, execution] = await Promise.all([tempo.readHead(), tempo.readExecution(hash)])
    // A push need not say when it ends: what no block holds may still come.
    if (execution === null) return { kind: 'unavailable', cause: 'no block holds the transaction yet' }
    const receipt = findReceipt(execution, hash, challenge, terms)
    if (receipt) return { kind: 'valid', terms, payer: receipt.payer, height, receipt }
    // It paid us for another challenge: whoever shows it here is no proven payer, and a 402 would ask for more money.
    const isOurs = execution.transfers.some(({ to }) => isSame(to, recipientOf(challenge)))
    return isOurs ? { kind: 'used' } : { kind: 'refused', reason: 'invalid_transfer' }
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

  /** A sponsor pays for what fails too: balances are looked at once more, just before. @throws when it would fail */
  async function assertWouldSucceed({ raw, sender }: PullTransaction): Promise<void> {
    if (!(await tempo.simulate(sender, readCall(raw)))) throw new Error('the transaction would fail by now')
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

    read: (headers) => readCredential(headers, config.sponsorKey),

    async verify(credential, ask) {
      const { challenge, paid } = paymentOf(credential)
      try {
        const terms = judgeChallenge(challenge, ask)
        if ('reason' in terms) return { kind: 'refused', reason: terms.reason }
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
        if (sponsor && isSponsored(paymentOf(credential).challenge)) await assertWouldSucceed(paid)
        const finding = toFinding(await tempo.send(paid.raw), credential, terms)
        return finding.kind === 'paid'
          ? { kind: 'settled', receipt: finding.receipt }
          : { kind: 'unknown', cause: 'the transaction failed' }
      } catch (error) {
        return { kind: 'unknown', cause: String(error) }
      }
    },

    needsSeconds: (workSeconds) => workSeconds + SETTLE_MARGIN_S,

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

const tooMany: Verdict = { kind: 'unavailable', cause: 'too many verifications at once' }

/** Reasons for which a transaction of its payer may be on chain all the same. */
const endings: ReadonlySet<string> = new Set(['challenge_expired', 'transaction_expired'])

function toProblem({ error, message }: Refusal, challengeId: string): Record<string, unknown> {
  const [type, title] = problems[error] ?? ['verification-failed', 'Verification Failed']
  return { type: `https://paymentauth.org/problems/${type}`, title, status: 402, detail: message, challengeId }
}
