import { Buffer } from 'node:buffer'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { type Network as CaipNetwork, type PaymentRequirements, x402ResourceServer } from '@x402/hono'
import type { Hex } from 'viem'
import { now, nowSeconds } from '../../clock.ts'
import { type Chain, createChain } from '../chain.ts'
import { createChallengeTokens } from '../challenge-token.ts'
import { createFacilitator, type Facilitator, type FacilitatorConfig } from '../facilitator.ts'
import { createPace, type Pace, VERIFIES_PER_SECOND } from '../limits.ts'
import type { Ask, Credential, PaymentProtocol, Terms, Verdict } from '../protocol.ts'
import { paymentIdentifier } from './payment-identifier.ts'
import { chainIdOf, envelopes, type Network, networkNames, readCredential, type X402Payment } from './x402-envelope.ts'
import { isSignedByPayer } from './x402-signature.ts'

export interface X402Config {
  readonly network: Network
  /** Checksummed address that is paid. */
  readonly payTo: Hex
  readonly facilitator: FacilitatorConfig
  readonly rpcUrl: string
  readonly challengeSecret: string
}

/** USDC on each network; name and version are its EIP-712 domain. */
export const assets = {
  'eip155:8453': { address: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', name: 'USD Coin', version: '2' },
  'eip155:84532': { address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', name: 'USDC', version: '2' },
} as const satisfies Record<Network, { address: Hex; name: string; version: string }>

/** What a client gives itself between challenge and settlement. */
const MAX_TIMEOUT_S = 120
/** The same, where it waits for the end of work that goes on after the answer. */
const MAX_DEFERRED_TIMEOUT_S = 900
/** What a settlement may take, and the least that an authorization must live when the work begins. */
const [SETTLE_S, MIN_SPARE_S] = [20, 30]
/** Facilitators refuse what expires sooner: it would not reach a block. */
const MIN_LIFE_S = 6
/** A longer authorization could take money long after we have stopped looking for it. */
const MAX_LIFE_S = 20 * 60
/** How far a used nonce is traced: 20 minutes of Base's blocks and some more. */
const LOOK_BACK_BLOCKS = 700

const TOO_LATE = 'invalid_exact_evm_payload_authorization_valid_before'

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
const encodeBase64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
/** Only `read` makes credentials of this protocol, so their payload is one of ours. */
const paymentOf = (credential: Credential): X402Payment => credential.payload as X402Payment

const tooMany: Verdict = { kind: 'unavailable', cause: 'too many verifications at once' }

/** The outside parts of the protocol, for `/health` too. */
export interface X402Parts {
  readonly facilitator: Facilitator
  readonly chain: Chain
  /** Whether the facilitator may be asked for another verdict now. */
  readonly mayAsk: Pace
}

/** Creates facilitator and chain clients for a configuration. */
export const createX402Parts = (config: X402Config, mayAsk: Pace): X402Parts => ({
  facilitator: createFacilitator(config.facilitator),
  chain: createChain(config.rpcUrl, config.network),
  mayAsk,
})

/** x402, scheme `exact` on EVM (EIP-3009), v2 and v1 at once. Inbound v1 is lifted to v2: the signed part is the same. */
export function createX402(config: X402Config, { facilitator, chain, mayAsk }: X402Parts): PaymentProtocol {
  const { network, payTo } = config
  const asset = assets[network]
  const domain = { name: asset.name, version: asset.version }
  const tokens = createChallengeTokens(config.challengeSecret, `x402 ${network} ${payTo}`)
  const chainId = Number(network.split(':')[1])
  const signing = { ...domain, chainId, verifyingContract: asset.address }
  const mayAskForCode = createPace(VERIFIES_PER_SECOND)
  let starting: Promise<x402ResourceServer> | undefined
  const openServer = () => {
    starting ??= startServer()
    return starting
  }

  /** What this network's facilitators support is known: asking would cost a call, and fail with them. */
  async function startServer(): Promise<x402ResourceServer> {
    const supported = {
      kinds: [{ x402Version: 2, scheme: 'exact', network: network as CaipNetwork }],
      extensions: [],
      signers: {},
    }
    const client = { ...facilitator, getSupported: async () => supported }
    const created = new x402ResourceServer(client).register(network, new ExactEvmScheme())
    await created.initialize()
    return created
  }

  async function buildRequirements(
    terms: { price: string } | Terms,
    { to = payTo, maxTimeoutSeconds = MAX_TIMEOUT_S } = {},
  ): Promise<PaymentRequirements> {
    const price = 'price' in terms ? terms.price : { amount: terms.amount, asset: asset.address, extra: domain }
    const server = await openServer()
    const [built] = await server.buildPaymentRequirements({
      scheme: 'exact',
      network,
      payTo: to,
      price,
      maxTimeoutSeconds,
    })
    if (!built) throw new Error('x402ResourceServer built no requirements')
    return built
  }

  /** Local checks against our terms: the amount to take, or why not. */
  async function judge(payment: X402Payment, ask: Ask): Promise<Terms | { reason: string }> {
    const { accepted, authorization } = payment
    if (accepted.scheme !== 'exact') return { reason: 'invalid_scheme' }
    if (chainIdOf(payment) !== chainId) return { reason: 'invalid_network' }
    if (accepted.asset !== undefined && !isSame(accepted.asset, asset.address)) return { reason: 'invalid_asset' }
    if (!isSame(authorization.to, payTo) || (accepted.payTo !== undefined && !isSame(accepted.payTo, payTo))) {
      return { reason: 'invalid_exact_evm_recipient_mismatch' }
    }
    const challenge = accepted.replay === undefined ? null : await tokens.read(ask, accepted.replay)
    if (accepted.replay !== undefined && challenge === null) return { reason: 'invalid_challenge' }
    const held = challenge !== null && challenge.expires >= nowSeconds()
    const amount = held ? challenge.amount : (await buildRequirements({ price: `$${ask.price}` })).amount
    if (authorization.value !== amount || (accepted.amount !== undefined && accepted.amount !== amount)) {
      return { reason: 'invalid_exact_evm_payload_authorization_value_mismatch' }
    }
    const left = Number(authorization.validBefore) - nowSeconds()
    if (left < MIN_LIFE_S) return { reason: TOO_LATE }
    if (left > MAX_LIFE_S) return { reason: 'authorization_too_long' }
    if (Number(authorization.validAfter) > nowSeconds()) {
      return { reason: 'invalid_exact_evm_payload_authorization_valid_after' }
    }
    return { amount }
  }

  const toAuthorization = ({ authorization }: X402Payment, terms: Terms) => ({
    asset: asset.address,
    payer: authorization.from,
    // Judged when we took it: `PAY_TO` may have changed since.
    payTo: authorization.to,
    amount: BigInt(terms.amount),
    nonce: authorization.nonce,
    validBefore: Number(authorization.validBefore),
  })

  async function prepare(credential: Credential, terms: Terms) {
    const { authorization, signature } = paymentOf(credential)
    // Ours, not the client's: what it says it accepted has been judged and moves no money. No token: it is a secret.
    const requirements = await buildRequirements(terms, { to: authorization.to })
    const payload = { x402Version: 2, accepted: requirements, payload: { authorization, signature } }
    return [payload, requirements] as const
  }

  /** The facilitator says no. It is a refusal only if the nonce is free: with a used one, money may have moved. */
  async function judgeRefusal(payment: X402Payment, terms: Terms, height: number, reason?: string): Promise<Verdict> {
    const finding = await chain.find(toAuthorization(payment, terms), height - LOOK_BACK_BLOCKS)
    const isFree = finding.kind === 'unused' || (finding.kind === 'dead' && finding.reason === 'authorization_expired')
    if (finding.kind === 'dead' && finding.reason === 'authorization_cancelled') {
      return { kind: 'refused', reason: finding.reason }
    }
    if (!isFree) return { kind: 'used' }
    // A failed simulation may be the facilitator's own node; reasons of other kinds are its own trouble for sure.
    return reason && /^(invalid_|insufficient_|eip6492_|asset_)/.test(reason) && !reason.endsWith('simulation_failed')
      ? { kind: 'refused', reason }
      : { kind: 'unavailable', cause: reason ?? 'no reason given' }
  }

  /** Too late to be sent, but somebody may have sent it: with a used nonce, money may have moved. */
  async function judgeLate(payment: X402Payment): Promise<Verdict> {
    if (!(await isSignedByPayer(payment, signing))) return { kind: 'refused', reason: TOO_LATE }
    if (!mayAsk()) return tooMany
    const terms = { amount: payment.authorization.value }
    return judgeRefusal(payment, terms, await chain.height(), TOO_LATE)
  }

  return {
    name: 'x402',

    describe: () => ({ facts: {} }),

    async challenge(ask, refusal) {
      const maxTimeoutSeconds = ask.isDeferred ? MAX_DEFERRED_TIMEOUT_S : MAX_TIMEOUT_S
      const requirements = await buildRequirements({ price: `$${ask.price}` }, { maxTimeoutSeconds })
      const replay = await tokens.create(ask, requirements.amount)
      const { resource, description, mimeType } = ask
      const accepts = [{ ...requirements, extra: { ...requirements.extra, replay } }]
      const info = { url: resource, description, mimeType }
      const server = await openServer()
      const required = await server.createPaymentRequiredResponse(accepts, info, refusal.error, paymentIdentifier)
      const v1 = required.accepts.map(({ scheme, amount, asset, payTo, maxTimeoutSeconds }) => ({
        scheme,
        network: networkNames[network],
        maxAmountRequired: amount,
        resource,
        description,
        mimeType,
        payTo,
        maxTimeoutSeconds,
        asset,
        extra: domain,
      }))
      return {
        headers: [['PAYMENT-REQUIRED', encodeBase64(required)]],
        body: { x402Version: 1, accepts: v1 },
      }
    },

    read: (headers) => readCredential(headers, asset.address),

    async verify(credential, ask) {
      try {
        const payment = paymentOf(credential)
        const terms = await judge(payment, ask)
        if ('reason' in terms) {
          return terms.reason === TOO_LATE ? await judgeLate(payment) : { kind: 'refused', reason: terms.reason }
        }
        // Contract wallets sign in their own way. Junk looks the same, and must not keep honest payers from being judged.
        const isSigned = await isSignedByPayer(payment, signing)
        if (!isSigned && !mayAskForCode()) return tooMany
        if (!isSigned && !(await chain.hasCode(credential.payer))) {
          return { kind: 'refused', reason: 'invalid_exact_evm_signature' }
        }
        if (!mayAsk()) return tooMany
        const [payload, requirements] = await prepare(credential, terms)
        const [height, answer, isContract] = await Promise.all([
          chain.height(),
          facilitator.verify(payload, requirements),
          chain.hasCode(credential.payer),
        ])
        // A contract may say yes now, and no on chain.
        if (answer.isValid) return { kind: 'valid', terms, payer: credential.payer, height, moneyFirst: isContract }
        return await judgeRefusal(payment, terms, height, answer.invalidReason)
      } catch (error) {
        return { kind: 'unavailable', cause: String(error) }
      }
    },

    async settle(credential, terms) {
      try {
        const [payload, requirements] = await prepare(credential, terms)
        const answer = await facilitator.settle(payload, requirements)
        if (!answer.success || !/^0x[0-9a-f]{64}$/i.test(answer.transaction)) {
          return { kind: 'unknown', cause: answer.errorReason ?? 'no transaction in the answer' }
        }
        const { transaction } = answer
        const receipt = { transaction, network, payer: credential.payer, amount: terms.amount, at: now() }
        return { kind: 'settled', receipt }
      } catch (error) {
        return { kind: 'unknown', cause: String(error) }
      }
    },

    readBalance: ({ payer }) => chain.balanceOf(asset.address, payer),

    // A facilitator refuses what is nearly over, and a block takes its time.
    needsSeconds: (workSeconds) => Math.max(MIN_SPARE_S, workSeconds + SETTLE_S),

    async find(credential, terms, height) {
      try {
        return await chain.find(toAuthorization(paymentOf(credential), terms), height)
      } catch (error) {
        return { kind: 'unknown', cause: String(error) }
      }
    },

    receiptHeaders(receipt, credential) {
      const { transaction, payer } = receipt
      const names = { v2: network, v1: networkNames[network] }
      return (['v2', 'v1'] as const)
        .filter((envelope) => credential.envelopes.includes(envelope))
        .map((envelope) => {
          const answer = { success: true, transaction, network: names[envelope], payer }
          return [envelopes[envelope].response, encodeBase64(answer)] as const
        })
    },
  }
}
