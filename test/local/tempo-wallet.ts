import * as P256 from 'ox/P256'
import * as Secp256k1 from 'ox/Secp256k1'
import { SignatureEnvelope, TxEnvelopeTempo } from 'ox/tempo'
import * as WebAuthnP256 from 'ox/WebAuthnP256'
import { type Address, encodeFunctionData, type Hex, maxUint256, toHex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import { Abis } from 'viem/tempo'
import { TEMPO_CHAIN_ID } from '../../workers/local/tempo/chain.ts'
import { PATH_USD } from '../../workers/local/tempo/tokens.ts'

export type Envelope = TxEnvelopeTempo.TxEnvelopeTempo

/** Someone who can sign. */
export interface TempoWallet {
  readonly address: Address
  sign(payload: Hex): SignatureEnvelope.SignatureEnvelope
}

export type SponsorWallet = TempoWallet & { readonly privateKey: Hex }

/** A wallet with an ordinary key. */
export function createWallet(): SponsorWallet {
  const privateKey = Secp256k1.randomPrivateKey()
  return {
    privateKey,
    address: privateKeyToAddress(privateKey).toLowerCase() as Address,
    sign: (payload) => ({ type: 'secp256k1', signature: Secp256k1.sign({ payload, privateKey }) }),
  }
}

/** A wallet with a key of the curve p256; its signatures carry the public key, whose hash is the address. */
export function createP256Wallet(): TempoWallet & { readonly publicKey: ReturnType<typeof P256.getPublicKey> } {
  const privateKey = P256.randomPrivateKey()
  const publicKey = P256.getPublicKey({ privateKey })
  const sign = (payload: Hex): SignatureEnvelope.SignatureEnvelope => {
    const { r, s } = P256.sign({ payload, privateKey })
    return { type: 'p256', prehash: false, publicKey, signature: { r, s } }
  }
  const address = SignatureEnvelope.extractAddress({ payload: '0x', signature: sign('0x00') })
  return { address, publicKey, sign }
}

/** A wallet with a passkey: a browser signs what it was shown, and the origin of the page, around the transaction. */
export function createPasskeyWallet(): TempoWallet {
  const privateKey = P256.randomPrivateKey()
  const publicKey = P256.getPublicKey({ privateKey })
  const sign = (challenge: Hex): SignatureEnvelope.SignatureEnvelope => {
    const page = { rpId: 'localhost', origin: 'http://localhost' }
    const { metadata, payload } = WebAuthnP256.getSignPayload({ challenge, ...page })
    const { r, s } = P256.sign({ payload, privateKey, hash: true })
    return { type: 'webAuthn', metadata, publicKey, signature: { r, s } }
  }
  const address = SignatureEnvelope.extractAddress({ payload: '0x', signature: sign('0x00') })
  return { address, sign }
}

export const readTime = (): number => Math.floor(Date.now() / 1000)

/** The call that moves units of pathUSD, with a memo unless it is left out. */
export const createTransfer = (to: Address, units: bigint, memo?: Hex, token = PATH_USD) => ({
  to: token,
  data: memo
    ? encodeFunctionData({ abi: Abis.tip20, functionName: 'transferWithMemo', args: [to, units, memo] })
    : encodeFunctionData({ abi: Abis.tip20, functionName: 'transfer', args: [to, units] }),
})

let made = 0

/** An unsigned transaction as wallets make it: expiring in 25 s, unlike every other. */
export const createEnvelope = (calls: Envelope['calls'], changes: Partial<Envelope> = {}): Envelope =>
  TxEnvelopeTempo.from({
    chainId: TEMPO_CHAIN_ID,
    calls,
    gas: 200_000n,
    maxFeePerGas: 24_000_000_000n,
    nonceKey: maxUint256,
    nonce: 0n,
    validBefore: readTime() + 25,
    validAfter: ++made,
    ...changes,
  }) as Envelope

/** Signs a transaction as its sender, and as the sponsor who pays its fee when there is one. */
export function signEnvelope(wallet: TempoWallet, envelope: Envelope, sponsor?: SponsorWallet): Hex {
  if (!sponsor) {
    return TxEnvelopeTempo.serialize(envelope, { signature: wallet.sign(TxEnvelopeTempo.getSignPayload(envelope)) })
  }
  const sponsored = { ...envelope, feeToken: PATH_USD, feePayerSignature: null }
  const signature = wallet.sign(TxEnvelopeTempo.getSignPayload(sponsored))
  const payload = TxEnvelopeTempo.getFeePayerSignPayload(sponsored, { sender: wallet.address })
  const feePayerSignature = Secp256k1.sign({ payload, privateKey: sponsor.privateKey })
  return TxEnvelopeTempo.serialize({ ...sponsored, feePayerSignature }, { signature })
}

/** A signed transfer of units to somebody. */
export const signTransfer = (wallet: TempoWallet, to: Address, units: bigint, changes?: Partial<Envelope>): Hex =>
  signEnvelope(wallet, createEnvelope([createTransfer(to, units)], changes))

export const createMemo = (): Hex => toHex(crypto.getRandomValues(new Uint8Array(32)))
