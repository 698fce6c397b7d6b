import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createWalletClient, type Hex, http, parseAbi, toHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'
import { inject } from 'vitest'
import { createChainClient } from '../../workers/local/chain.ts'
import { createQueue } from '../../workers/local/queue.ts'
import { deriveAccount } from '../../workers/local/wallets.ts'
import { transferTypes } from '../local/authorization.ts'

export const stack = inject('stack')
export const NETWORK = 'eip155:84532'
export const ROUTE = '/v1/remove-background'
/** $0.05 in units of USDC. */
export const PRICE = 50_000n

export const photo = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures/photos', name))

// Every file runs in a process of its own: one of the free accounts of the mnemonic steers the chain for it.
export const chain = createChainClient(stack.rpc, 84532, deriveAccount(1))
export const token = parseAbi([
  'function balanceOf(address) view returns (uint256)',
  'function mint(address, uint256)',
  'function cancelAuthorization(address, bytes32, bytes)',
  'function transferWithAuthorization(address, address, uint256, uint256, uint256, bytes32, bytes)',
])
/** Both ways in which a facilitator may put an authorization on chain. */
export const transferAbi = parseAbi([
  'function transferWithAuthorization(address, address, uint256, uint256, uint256, bytes32, bytes)',
  'function transferWithAuthorization(address, address, uint256, uint256, uint256, bytes32, uint8, bytes32, bytes32)',
])
export const balanceOf = (who: Hex): Promise<bigint> =>
  chain.readContract({ address: stack.usdc, abi: token, functionName: 'balanceOf', args: [who] })

// One transaction at a time, so that no two ask for the same account nonce.
const enqueue = createQueue()

/** Gives an account so many units of USDC. */
export async function fund({ address }: { address: Hex }, units: bigint): Promise<void> {
  const mint = { address: stack.usdc, abi: token, functionName: 'mint', args: [address, units] } as const
  await enqueue(async () => chain.waitForTransactionReceipt({ hash: await chain.writeContract(mint) }))
}

/** A fresh wallet with so many units of USDC. */
export async function createPayer(units = 400_000n): Promise<PrivateKeyAccount> {
  const account = privateKeyToAccount(generatePrivateKey())
  if (units > 0n) await fund(account, units)
  return account
}

export const createWallet = (account: PrivateKeyAccount) =>
  createWalletClient({ account, chain: baseSepolia, transport: http(stack.rpc) })

/** Units that the receiver gained while `act` ran, and what `act` gave. */
export async function measureIncome<Result>(act: () => Promise<Result>): Promise<[bigint, Result]> {
  const before = await balanceOf(stack.payTo)
  const result = await act()
  return [(await balanceOf(stack.payTo)) - before, result]
}

let addresses = 0
/** The client address of one caller: limits count by address. */
export const createCaller = (): Record<string, string> => {
  addresses += 1
  return { 'CF-Connecting-IP': `198.51.${process.pid & 255}.${addresses & 255}` }
}
const caller = createCaller()

/** One call of the paid route. */
export const post = (
  body: Buffer | string | null,
  headers: Record<string, string> = {},
  query = '',
  contentType: string | null = 'image/jpeg',
): Promise<Response> =>
  fetch(`${stack.gateway}${ROUTE}${query}`, {
    method: 'POST',
    headers: { ...caller, ...(contentType && { 'Content-Type': contentType }), ...headers },
    body,
  })

export const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64')
export const decode = <Value = Record<string, unknown>>(header: string | null): Value =>
  JSON.parse(Buffer.from(header ?? '', 'base64').toString()) as Value

export interface SignedPayment {
  readonly authorization: Record<'from' | 'to' | 'nonce', Hex> & Record<'value' | 'validAfter' | 'validBefore', string>
  readonly signature: Hex
}

const seconds = () => Math.floor(Date.now() / 1000)

/** An EIP-3009 authorization, signed. Times are relative to now, in seconds. */
export async function sign(
  account: PrivateKeyAccount,
  terms: {
    to?: Hex
    value?: bigint
    validAfter?: number
    validBefore?: number
    chainId?: number
    nonce?: Hex
  } = {},
): Promise<SignedPayment> {
  const { to = stack.payTo, value = PRICE, validAfter = -600, validBefore = 300, chainId = 84532 } = terms
  const message = {
    from: account.address,
    to,
    value,
    validAfter: BigInt(seconds() + validAfter),
    validBefore: BigInt(seconds() + validBefore),
    nonce: terms.nonce ?? toHex(crypto.getRandomValues(new Uint8Array(32))),
  }
  const domain = { name: 'USDC', version: '2', chainId, verifyingContract: stack.usdc }
  const signature = await account.signTypedData({
    domain,
    types: transferTypes,
    primaryType: 'TransferWithAuthorization',
    message,
  })
  const { from, nonce } = message
  const text = { value: `${value}`, validAfter: `${message.validAfter}`, validBefore: `${message.validBefore}` }
  return { authorization: { from, to, nonce, ...text }, signature }
}

/** The payment in an x402 v2 envelope. `accepted` overrides what it says it accepted. */
export const v2 = (payment: SignedPayment, accepted: object = {}) => ({
  'PAYMENT-SIGNATURE': encode({
    x402Version: 2,
    payload: payment,
    accepted: {
      scheme: 'exact',
      network: NETWORK,
      asset: stack.usdc,
      amount: payment.authorization.value,
      payTo: payment.authorization.to,
      maxTimeoutSeconds: 120,
      extra: { name: 'USDC', version: '2' },
      ...accepted,
    },
  }),
})

/** The payment in an x402 v1 envelope. */
export const v1 = (payment: SignedPayment) => ({
  'X-PAYMENT': encode({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload: payment }),
})

/** The receipt of an answer, whichever envelope it came in. */
export const readReceipt = ({ headers }: Response) =>
  decode<{ success: boolean; transaction: Hex; network: string; payer: Hex }>(
    headers.get('payment-response') ?? headers.get('x-payment-response'),
  )

/** Has the payer cancel an authorization on chain. */
export async function cancel(account: PrivateKeyAccount, nonce: Hex): Promise<void> {
  const domain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: stack.usdc }
  const fields = {
    CancelAuthorization: [
      { name: 'authorizer', type: 'address' },
      { name: 'nonce', type: 'bytes32' },
    ],
  }
  const message = { authorizer: account.address, nonce }
  const signature = await account.signTypedData({ domain, types: fields, primaryType: 'CancelAuthorization', message })
  const call = { address: stack.usdc, abi: token, functionName: 'cancelAuthorization' } as const
  const send = () => chain.writeContract({ ...call, args: [account.address, nonce, signature] })
  await enqueue(async () => chain.waitForTransactionReceipt({ hash: await send() }))
}

/** All that the Workers have logged so far. */
export const readLogs = async (): Promise<string> => (await fetch(stack.control)).text()

/** Every call that has reached the facilitator, and when (ms). */
export const readFacilitatorLog = async (): Promise<{ op: string; at: number }[]> =>
  (await (await fetch(`${stack.facilitator}/_log`)).json()) as { op: string; at: number }[]

/** Calls that reached the facilitator while `act` ran, in alphabetical order, and what `act` gave. */
export async function watchFacilitator<Result>(act: () => Promise<Result>): Promise<[string[], Result]> {
  const before = (await readFacilitatorLog()).length
  const result = await act()
  const calls = (await readFacilitatorLog()).slice(before).map(({ op }) => op)
  return [calls.filter((op) => op !== 'supported').sort(), result]
}

/** Runs `act` while the facilitator has these faults. */
export async function withFaults<Result>(faults: readonly object[], act: () => Promise<Result>): Promise<Result> {
  const set = (list: readonly object[]) =>
    fetch(`${stack.facilitator}/_fault`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(list),
    })
  try {
    await set(faults)
    return await act()
  } finally {
    await set([])
  }
}
