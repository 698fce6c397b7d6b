import { sign as signSecp256k1 } from 'ox/Secp256k1'
import { SignatureEnvelope, TxEnvelopeTempo } from 'ox/tempo'
import { decodeFunctionData, type Hex, keccak256 } from 'viem'
import { type MemoTransfer, PATH_USD, tip20 } from '../tempo.ts'

/** TIP-1009: the nonce key of transactions that expire instead of counting. */
const EXPIRING_NONCE_KEY = 2n ** 256n - 1n
/** TIP-1009: how far ahead such a transaction may end. */
const MAX_LIFE_S = 30
/** The most that a sponsored transaction may cost us, in units of pathUSD. The stock client bids a third of it. */
const MAX_SPONSORED_FEE = 6_000n
/** Gas is priced in units of 10^-18 dollars, pathUSD in 10^-6. */
const GAS_UNITS_PER_USD_UNIT = 10n ** 12n

/** A payer's signed Tempo transaction as it will be sent, decoded but not judged. */
export interface PullTransaction {
  readonly raw: Hex
  readonly hash: Hex
  readonly sender: Hex
  /** Unix seconds; 0 when it does not say. */
  readonly validBefore: number
}

/**
 * Decodes a signed transaction. One that asks for a sponsor is completed with the sponsor's signature, which is
 * deterministic: its final hash is known before anything is sent.
 * @param sponsorKey private key that pays the fees, or null
 * @throws when it is none, or not in its canonical form: its hash would not be sure
 */
export function decodePull(raw: Hex, sponsorKey: Hex | null): PullTransaction {
  const envelope = TxEnvelopeTempo.deserialize(raw as TxEnvelopeTempo.Serialized)
  const { signature, validBefore, feePayerSignature } = envelope
  if (!signature) throw new Error('not signed')
  const payload = TxEnvelopeTempo.getSignPayload(envelope)
  // `root`: the account itself where an access key has signed for it.
  const sender = SignatureEnvelope.extractAddress({ payload, signature: SignatureEnvelope.from(signature), root: true })
  const isIncomplete = feePayerSignature === null
  if (!isIncomplete && TxEnvelopeTempo.serialize(envelope, { signature }) !== raw) throw new Error('not canonical')
  const final = isIncomplete && sponsorKey ? sponsor(envelope, signature, sender, sponsorKey) : raw
  return { raw: final, hash: keccak256(final), sender, validBefore: Number(validBefore ?? 0) }
}

type Envelope = ReturnType<typeof TxEnvelopeTempo.deserialize>

function sponsor(envelope: Envelope, signature: NonNullable<Envelope['signature']>, sender: Hex, privateKey: Hex): Hex {
  const sponsored = { ...envelope, feeToken: PATH_USD }
  const payload = TxEnvelopeTempo.getFeePayerSignPayload(sponsored, { sender })
  const feePayerSignature = signSecp256k1({ payload, privateKey })
  return TxEnvelopeTempo.serialize({ ...sponsored, feePayerSignature }, { signature })
}

/** What a pull transaction must be to pay a challenge. */
export interface PullTerms {
  readonly chainId: number
  readonly to: Hex
  readonly amount: bigint
  readonly isBound: (memo: Hex) => boolean
  /** Whether the challenge offered to pay the fee. */
  readonly isSponsored: boolean
}

/** A pull transaction that pays. */
export interface PaidPull {
  readonly transfer: MemoTransfer
  /** The most that its fee may be, in units of the token it is paid in. */
  readonly maxFee: bigint
  /** Whether we pay the fee. */
  readonly isSponsored: boolean
  /** Whether the sender's own key signed. Where an access key did, that it may is for the chain to say. */
  readonly isSenderProven: boolean
  /** What was checked proves too little: its keys, or the token of its fee, are the chain's to judge. */
  readonly moneyFirst: boolean
}

/**
 * Judges a pull transaction without asking anybody: its transfer, or why it is refused.
 */
export function judgePull(
  { raw, sender }: PullTransaction,
  terms: PullTerms,
  now: number,
): PaidPull | { reason: string } {
  const envelope = TxEnvelopeTempo.deserialize(raw as TxEnvelopeTempo.Serialized)
  const { chainId, calls, nonce, nonceKey, validBefore, validAfter, keyAuthorization, gas, maxFeePerGas } = envelope
  if (chainId !== terms.chainId) return { reason: 'invalid_network' }
  if (nonceKey !== EXPIRING_NONCE_KEY || (nonce ?? 0n) !== 0n) return { reason: 'invalid_nonce' }
  if (validBefore === undefined || validBefore <= now) return { reason: 'transaction_expired' }
  if (validBefore > now + MAX_LIFE_S) return { reason: 'transaction_too_long' }
  if (validAfter !== undefined && validAfter > now) return { reason: 'transaction_not_valid_yet' }
  if (envelope.authorizationList?.length || envelope.accessList?.length) return { reason: 'invalid_transfer' }
  const isSponsored = envelope.feePayerSignature !== undefined
  // Null is a place for a signature that nobody has put there.
  if (isSponsored && (!terms.isSponsored || envelope.feePayerSignature === null))
    return { reason: 'sponsor_not_offered' }
  const maxFee = ((gas ?? 0n) * (maxFeePerGas ?? 0n)) / GAS_UNITS_PER_USD_UNIT
  if (isSponsored && maxFee > MAX_SPONSORED_FEE) return { reason: 'invalid_fee' }
  const transfer = calls.length === 1 && calls[0] ? readTransfer(calls[0], sender) : null
  if (!transfer) return { reason: 'invalid_transfer' }
  if (transfer.to.toLowerCase() !== terms.to.toLowerCase()) return { reason: 'invalid_recipient' }
  if (transfer.amount !== terms.amount) return { reason: 'invalid_amount' }
  if (!terms.isBound(transfer.memo)) return { reason: 'invalid_memo' }
  const signature = envelope.signature && SignatureEnvelope.from(envelope.signature)
  if (!signature) return { reason: 'invalid_signature' }
  const paid = { transfer, maxFee, isSponsored }
  if (keyAuthorization || signature.type === 'keychain' || signature.type === 'multisig') {
    return { ...paid, isSenderProven: false, moneyFirst: true }
  }
  const payload = TxEnvelopeTempo.getSignPayload(envelope)
  if (isMalleable(signature) || !SignatureEnvelope.verify(signature, { address: sender, payload })) {
    return { reason: 'invalid_signature' }
  }
  const { feeToken } = envelope
  const isFeeInPathUsd = feeToken === undefined || String(feeToken).toLowerCase() === PATH_USD
  return { ...paid, isSenderProven: true, moneyFirst: !isSponsored && !isFeeInPathUsd }
}

const HALF_SECP256K1_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** EIP-2: nodes refuse the twin of a signature, though it recovers to the same address. */
const isMalleable = (signature: SignatureEnvelope.SignatureEnvelope): boolean =>
  signature.type === 'secp256k1' && signature.signature.s > HALF_SECP256K1_ORDER

/** The one call of a judged transaction. */
export function readCall(raw: Hex): { to: Hex; data: Hex } {
  const [call] = TxEnvelopeTempo.deserialize(raw as TxEnvelopeTempo.Serialized).calls
  return { to: call?.to ?? PATH_USD, data: call?.data ?? '0x' }
}

function readTransfer(
  call: { to?: Hex | undefined; data?: Hex | undefined; value?: bigint | undefined },
  from: Hex,
): MemoTransfer | null {
  if (call.to?.toLowerCase() !== PATH_USD || !call.data || call.value) return null
  try {
    const { functionName, args } = decodeFunctionData({ abi: tip20, data: call.data })
    if (functionName !== 'transferWithMemo') return null
    const [to, amount, memo] = args
    return { from, to, amount, memo }
  } catch {
    return null
  }
}
