import { recoverAddress as recoverSigner } from 'ox/Secp256k1'
import { SignatureEnvelope, TxEnvelopeTempo } from 'ox/tempo'
import { type Address, type Hex, keccak256, maxUint256 } from 'viem'
import { RpcFailure, refuse, refuseUnmodelled } from './failure.ts'
import { PATH_USD, tempoTokens } from './tokens.ts'

/** A transaction whose signatures are right. Addresses in lower case. */
export interface TempoTransaction {
  readonly hash: Hex
  readonly envelope: TxEnvelopeTempo.TxEnvelopeTempo
  readonly signature: SignatureEnvelope.SignatureEnvelope
  readonly from: Address
  readonly feePayer: Address
  readonly feeToken: Address
  /** Whether its nonce is its expiry: it may be used once, within 30 seconds. */
  readonly expiring: boolean
  /** Transactions of one lane follow one another; each expiring one has its own. */
  readonly lane: string
}

/** The nonce key of transactions that expire instead of being counted. */
export const EXPIRING_NONCE_KEY = maxUint256

const SECP256K1_HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const P256_HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n

const lower = (address: string): Address => address.toLowerCase() as Address

function decode(raw: Hex): TxEnvelopeTempo.TxEnvelopeTempo {
  if (!raw.startsWith('0x76')) throw refuseUnmodelled('a transaction of another type than 0x76')
  let envelope: TxEnvelopeTempo.TxEnvelopeTempo
  let canonical: Hex
  try {
    envelope = TxEnvelopeTempo.deserialize(raw as `0x76${string}`)
    canonical = TxEnvelopeTempo.serialize(envelope)
  } catch (error) {
    throw new RpcFailure(
      -32602,
      `failed to decode signed transaction: ${error instanceof Error ? error.message : error}`,
    )
  }
  if (envelope.keyAuthorization || envelope.authorizationList?.length) throw refuseUnmodelled('a key authorization')
  if (envelope.accessList?.length) throw refuseUnmodelled('an access list')
  if (envelope.feePayerSignature === null) throw refuse('missing fee payer signature')
  // Two encodings of one transaction would be two hashes for one payment.
  if (canonical !== raw.toLowerCase()) {
    throw new RpcFailure(-32602, 'failed to decode signed transaction: not the canonical encoding')
  }
  return envelope
}

function readSender(payload: Hex, signature: SignatureEnvelope.SignatureEnvelope): Address {
  if (signature.type === 'keychain' || signature.type === 'multisig') {
    throw refuseUnmodelled(`a ${signature.type} signature`)
  }
  const limit = signature.type === 'secp256k1' ? SECP256K1_HALF_ORDER : P256_HALF_ORDER
  if (signature.signature.s > limit) throw refuse('invalid signature: high s')
  try {
    const address = SignatureEnvelope.extractAddress({ payload, signature })
    // Passkeys name their own address: only the check of the signature says that it is theirs.
    if (SignatureEnvelope.verify(signature, { address, payload })) return lower(address)
  } catch {
    // Bytes that are no point on the curve.
  }
  throw refuse('invalid signature')
}

function readFeePayer(envelope: TxEnvelopeTempo.TxEnvelopeTempo, sender: Address): Address {
  const signature = envelope.feePayerSignature
  if (!signature) return sender
  if (signature.s > SECP256K1_HALF_ORDER) throw refuse('invalid fee payer signature: high s')
  let feePayer: Address
  try {
    const payload = TxEnvelopeTempo.getFeePayerSignPayload(envelope, { sender })
    feePayer = lower(recoverSigner({ payload, signature }))
  } catch {
    throw refuse('invalid fee payer signature')
  }
  if (feePayer === sender) throw refuse('the fee payer must not be the sender')
  return feePayer
}

/** The token that pays the fee: the one named, else the one that all calls are about, else pathUSD. */
function readFeeToken({ feeToken, calls }: TxEnvelopeTempo.TxEnvelopeTempo): Address {
  const [first, ...others] = new Set(calls.map(({ to }) => lower(to ?? '0x')))
  const common = first !== undefined && others.length === 0 && tempoTokens.has(first) ? first : PATH_USD
  const token = typeof feeToken === 'string' ? lower(feeToken) : common
  if (!tempoTokens.has(token)) throw refuse(`invalid fee token ${token}`)
  return token
}

/**
 * Decodes a raw transaction and checks its signatures; what it moves, when and for what fee is not looked at. Throws an
 * `RpcFailure` for bytes that are no such transaction or one that the dev chain does not model.
 */
export function readTransaction(raw: Hex, chainId: number): TempoTransaction {
  const envelope = decode(raw)
  if (envelope.chainId !== chainId) throw refuse(`invalid chain id: have ${envelope.chainId}, want ${chainId}`)
  const { signature } = envelope
  if (!signature) throw refuse('missing signature')
  const payload = TxEnvelopeTempo.getSignPayload(envelope)
  const from = readSender(payload, signature)
  const expiring = envelope.nonceKey === EXPIRING_NONCE_KEY
  return {
    hash: keccak256(raw),
    envelope,
    signature,
    from,
    feePayer: readFeePayer(envelope, from),
    feeToken: readFeeToken(envelope),
    expiring,
    lane: `${from}:${expiring ? payload : (envelope.nonceKey ?? 0n)}`,
  }
}
