import { type Hex, isAddressEqual, recoverTypedDataAddress } from 'viem'
import type { X402Payment } from './x402-envelope.ts'

/** EIP-3009, `transferWithAuthorization`. */
const transferTypes = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/** The EIP-712 domain that a token's authorizations are signed in. */
export interface SigningDomain {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract: Hex
}

/** Whether an ordinary account signed: whoever did not is a contract wallet, or never reaches the facilitator. */
export async function isSignedByPayer(
  { authorization, signature }: X402Payment,
  domain: SigningDomain,
): Promise<boolean> {
  const { from, to, value, validAfter, validBefore, nonce } = authorization
  const message = {
    ...{ from, to, nonce },
    ...{ value: BigInt(value), validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) },
  }
  const typed = { domain, types: transferTypes, primaryType: 'TransferWithAuthorization', message } as const
  const signer = await recoverTypedDataAddress({ ...typed, signature }).catch(() => null)
  return signer !== null && isAddressEqual(signer, from)
}
