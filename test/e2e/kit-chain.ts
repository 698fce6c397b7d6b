import { createRequire } from 'node:module'
import {
  type Address,
  decodeFunctionData,
  encodeFunctionData,
  type Hex,
  type PrivateKeyAccount,
  parseAbi,
  serializeSignature,
  toHex,
} from 'viem'
import { vi } from 'vitest'
import { chain, createPayer, fund, readLogs, type SignedPayment, sign, stack, token, transferAbi } from './kit.ts'

const artifacts = createRequire(import.meta.url)('../../workers/local/contracts/artifacts.json') as Record<
  string,
  { abi: []; bytecode: Hex }
>
const multicall = {
  address: '0xcA11bde05977b3631167028862bE2a173976CA11',
  abi: parseAbi(['function tryAggregate(bool, (address, bytes)[]) returns ((bool, bytes)[])']),
} as const

/** Runs `act` while the EVM node has these faults. */
export async function withRpcFaults<Result>(faults: readonly object[], act: () => Promise<Result>): Promise<Result> {
  const set = async (list: readonly object[]) => {
    const headers = { 'Content-Type': 'application/json' }
    const answer = await fetch(`${stack.rpc}/_fault`, { method: 'POST', headers, body: JSON.stringify(list) })
    if (!answer.ok) throw new Error(`the fault hook answered ${answer.status}: ${await answer.text()}`)
  }
  try {
    await set(faults)
    return await act()
  } finally {
    await set([])
  }
}

/** Runs `act` while nothing is mined; what waits is mined afterwards. */
export async function withoutMining<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    await chain.setAutomine(false)
    return await act()
  } finally {
    await chain.setAutomine(true)
  }
}

/** Runs `act` on a chain whose clock is so many seconds ahead, and takes the chain back afterwards. */
export async function inTheFuture<Result>(seconds: number, act: () => Promise<Result>): Promise<Result> {
  const id = await chain.snapshot()
  try {
    await chain.increaseTime({ seconds })
    await chain.mine({ blocks: 1 })
    return await act()
  } finally {
    await chain.revert({ id })
  }
}

/** The chain's clock, in Unix seconds. */
export const readChainTime = async (): Promise<number> => Number((await chain.getBlock()).timestamp)

const confirm = async (hash: Hex) => chain.waitForTransactionReceipt({ hash })

/** Puts an authorization on chain, as anyone can. */
export async function frontRun(payments: readonly SignedPayment[]): Promise<void> {
  const calls = payments.map(({ authorization: a, signature }) => {
    const args = [
      a.from,
      a.to,
      BigInt(a.value),
      BigInt(a.validAfter),
      BigInt(a.validBefore),
      a.nonce,
      signature,
    ] as const
    return [stack.usdc, encodeFunctionData({ abi: token, functionName: 'transferWithAuthorization', args })] as const
  })
  await confirm(await chain.writeContract({ ...multicall, functionName: 'tryAggregate', args: [true, calls] }))
}

/** An ERC-1271 wallet with funds: its address, and how it signs. `kind` names its contract. */
export async function createContractWallet(kind: 'DevSmartWallet' | 'DevFickleWallet', units = 400_000n) {
  const owner = await createPayer(0n)
  const { abi, bytecode } = artifacts[kind]!
  const args = [owner.address] as never
  const { contractAddress } = await confirm(await chain.deployContract({ abi, bytecode, args }))
  const address: Address = contractAddress!
  await fund({ address }, units)
  /** Its signatures are its owner's behind one more byte, so that none is as long as a key pair's. */
  const account = {
    address,
    signTypedData: async (typed: Parameters<PrivateKeyAccount['signTypedData']>[0]) =>
      `0x00${(await owner.signTypedData(typed)).slice(2)}`,
  } as unknown as PrivateKeyAccount
  return account
}

/** Whether somebody worked for the request of an answer, as its log line says. */
export async function hasWorked(answer: Response): Promise<boolean> {
  const id = answer.headers.get('x-request-id') ?? 'no id'
  const logs = await vi.waitUntil(async () => {
    const all = await readLogs()
    return all.includes(id) && all
  })
  const at = logs.indexOf(id)
  return /worked\W+true/.test(logs.slice(at, logs.indexOf('}', at)))
}

/** Another authorization over the same nonce: to the payer himself. */
export const signForHimself = async (
  account: PrivateKeyAccount,
  { authorization }: SignedPayment,
): Promise<SignedPayment> => sign(account, { to: account.address, nonce: authorization.nonce })

/** Mines so many blocks without letting the chain's clock run ahead. */
export const mineBlocks = (count: number) =>
  chain.request({ method: 'hardhat_mine', params: [toHex(count), '0x0'] } as never)

/** The payment as anyone can rebuild it from the call data of its transaction. */
export async function steal(hash: Hex): Promise<SignedPayment> {
  const { input } = await chain.getTransaction({ hash })
  const { args } = decodeFunctionData({ abi: transferAbi, data: input })
  const [from, to, value, validAfter, validBefore, nonce, last] = args
  const signature = typeof last === 'string' ? last : serializeSignature({ r: args[7]!, s: args[8]!, v: BigInt(last) })
  const text = { value: `${value}`, validAfter: `${validAfter}`, validBefore: `${validBefore}` }
  return { authorization: { from, to, nonce, ...text }, signature }
}
