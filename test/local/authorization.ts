import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { type Address, type Hex, type LocalAccount, toHex } from 'viem'
import { tokens } from '../../workers/local/token.ts'

const CHAIN_ID = 84532
const token = tokens[CHAIN_ID]

/** EIP-3009, written out apart from the product's own table: the two must agree for a payment to be taken. */
export const transferTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/** An EIP-3009 transfer, signed. Times are in seconds. */
export interface Authorization {
  readonly from: Address
  readonly to: Address
  readonly value: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  readonly nonce: Hex
  readonly signature: Hex
}

/** Signs a transfer of `value` units to `to`, valid now and for five minutes, with a nonce of its own. */
export async function signAuthorization(payer: LocalAccount, to: Address, value: bigint): Promise<Authorization> {
  const now = BigInt(Math.floor(Date.now() / 1000))
  const message = {
    from: payer.address,
    to,
    value,
    validAfter: now - 600n,
    validBefore: now + 300n,
    nonce: toHex(crypto.getRandomValues(new Uint8Array(32))),
  }
  const domain = { name: token.name, version: token.version, chainId: CHAIN_ID, verifyingContract: token.address }
  const signature = await payer.signTypedData({
    domain,
    types: transferTypes,
    primaryType: 'TransferWithAuthorization',
    message,
  })
  return { ...message, signature }
}

/** What a gateway sends to a facilitator (x402 v2) for this authorization and the price it was signed for. */
export function createFacilitatorCall({ signature, ...authorization }: Authorization): {
  readonly paymentPayload: PaymentPayload
  readonly paymentRequirements: PaymentRequirements
} {
  const paymentRequirements: PaymentRequirements = {
    scheme: 'exact',
    network: `eip155:${CHAIN_ID}`,
    amount: String(authorization.value),
    asset: token.address,
    payTo: authorization.to,
    maxTimeoutSeconds: 120,
    extra: { name: token.name, version: token.version },
  }
  const texts = Object.fromEntries(Object.entries(authorization).map(([name, value]) => [name, String(value)]))
  const payload = { signature, authorization: texts }
  return { paymentPayload: { x402Version: 2, payload, accepted: paymentRequirements }, paymentRequirements }
}
