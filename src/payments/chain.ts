import { encodeFunctionData, type Hex, numberToHex, parseAbi, toEventSelector } from 'viem'
import { now } from '../clock.ts'
import { ChainError, createRpc } from './json-rpc.ts'
import type { Finding } from './protocol.ts'

/** An EIP-3009 authorization, as far as the chain identifies it. Addresses and nonce are lower case hex. */
export interface Authorization {
  readonly asset: Hex
  readonly payer: Hex
  readonly payTo: Hex
  /** Atomic units. */
  readonly amount: bigint
  readonly nonce: Hex
  /** Unix seconds; the token refuses the authorization in blocks with this time or later. */
  readonly validBefore: number
}

/** Looks at an EVM chain through its JSON-RPC. Sends nothing. */
export interface Chain {
  /** Number of the newest block. */
  height(): Promise<number>
  chainId(): Promise<number>
  /** Whether an account is a contract, or acts as one (EIP-7702). Asked once in five minutes. */
  hasCode(address: string): Promise<boolean>
  /** Atomic units of `asset` that an account has now. @throws ChainError */
  balanceOf(asset: Hex, address: string): Promise<bigint>
  /**
   * What the chain says about an authorization, from events in blocks `from` to the newest (`LOOK_BLOCKS` at most).
   * @throws ChainError when the RPC cannot be asked
   */
  find(authorization: Authorization, from: number): Promise<Finding>
}

/** How long an answer of `hasCode` is believed, and of how many accounts: those asked about longest ago go first. */
const CODE_LIFE_MS = 5 * 60_000
const MAX_CODES = 10_000
/** Providers cap the block range of one `eth_getLogs`; 500 is below every cap we know of. */
const LOG_CHUNK_BLOCKS = 500
/** An authorization lives 20 minutes: 600 blocks of Base, and far more than it makes even if blocks get faster. */
const LOOK_BLOCKS = 3_000
/** Nodes behind one URL are not at the same height: the first look may come from one that is ahead of the next. */
const REORG_MARGIN_BLOCKS = 5

const token = parseAbi([
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function balanceOf(address account) view returns (uint256)',
])
const authorizationUsed = toEventSelector('AuthorizationUsed(address,bytes32)')
const authorizationCanceled = toEventSelector('AuthorizationCanceled(address,bytes32)')
const transfer = toEventSelector('Transfer(address,address,uint256)')

interface Log {
  address: Hex
  topics: Hex[]
  data: Hex
  logIndex: Hex
  transactionHash: Hex
}
interface Block {
  number: Hex
  timestamp: Hex
}
interface TransactionReceipt {
  status: Hex
  logs: Log[]
}

const toTopic = (address: Hex): Hex => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`
const isSame = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase()

/** Creates the reader of the chain behind `url`; `network` is its CAIP-2 name, for receipts. */
export function createChain(url: string, network: string): Chain {
  const call = createRpc(url)
  const codes = new Map<string, { hasCode: boolean; until: number }>()

  async function readEvents(authorization: Authorization, from: number, to: number): Promise<Log[]> {
    const logs: Log[] = []
    for (let start = Math.max(0, from); start <= to; start += LOG_CHUNK_BLOCKS) {
      const range = {
        address: authorization.asset,
        topics: [[authorizationUsed, authorizationCanceled], toTopic(authorization.payer), authorization.nonce],
        fromBlock: numberToHex(start),
        toBlock: numberToHex(Math.min(start + LOG_CHUNK_BLOCKS - 1, to)),
      }
      logs.push(...(await call<Log[]>('eth_getLogs', [range])))
    }
    return logs
  }

  /**
   * Paid means: the log behind the token's `AuthorizationUsed` is its transfer of our terms. Both are read from the
   * receipt: the node that gave the event may have another view of the block than the one that gives the receipt.
   */
  async function judgeUse({ transactionHash }: Log, authorization: Authorization): Promise<Finding> {
    const { asset, payer, payTo, amount, nonce } = authorization
    const receipt = await call<TransactionReceipt | null>('eth_getTransactionReceipt', [transactionHash])
    const used = receipt?.logs.find(
      ({ address, topics }) =>
        isSame(address, asset) &&
        isSame(topics[0], authorizationUsed) &&
        isSame(topics[1], toTopic(payer)) &&
        isSame(topics[2], nonce),
    )
    if (!receipt || !used || BigInt(receipt.status) !== 1n) throw new ChainError('the receipt and the event disagree')
    const next = receipt.logs.find((log) => BigInt(log.logIndex) === BigInt(used.logIndex) + 1n)
    const isOurs =
      next !== undefined &&
      isSame(next.address, asset) &&
      isSame(next.topics[0], transfer) &&
      isSame(next.topics[1], toTopic(payer)) &&
      isSame(next.topics[2], toTopic(payTo)) &&
      BigInt(next.data) === amount
    return isOurs
      ? { kind: 'paid', receipt: { transaction: transactionHash, network, payer, amount: String(amount), at: now() } }
      : { kind: 'dead', reason: 'authorization_spent_elsewhere' }
  }

  return {
    async height() {
      return Number(await call<Hex>('eth_blockNumber', []))
    },
    async chainId() {
      return Number(await call<Hex>('eth_chainId', []))
    },
    async hasCode(address) {
      const known = codes.get(address)
      if (known && known.until > now()) return known.hasCode
      const hasCode = (await call<Hex>('eth_getCode', [address, 'latest'])) !== '0x'
      codes.delete(address)
      codes.set(address, { hasCode, until: now() + CODE_LIFE_MS })
      if (codes.size > MAX_CODES) codes.delete(codes.keys().next().value!)
      return hasCode
    },
    async balanceOf(asset, address) {
      const data = encodeFunctionData({ abi: token, functionName: 'balanceOf', args: [address as Hex] })
      return BigInt(await call<Hex>('eth_call', [{ to: asset, data }, 'latest']))
    },
    async find(authorization, from) {
      const head = await call<Block>('eth_getBlockByNumber', ['latest', false])
      const to = Math.min(Number(head.number), from + LOOK_BLOCKS)
      const events = await readEvents(authorization, from - REORG_MARGIN_BLOCKS, to)
      const used = events.find((log) => isSame(log.topics[0], authorizationUsed))
      if (used) return judgeUse(used, authorization)
      if (events.length > 0) return { kind: 'dead', reason: 'authorization_cancelled' }

      const data = encodeFunctionData({
        abi: token,
        functionName: 'authorizationState',
        args: [authorization.payer, authorization.nonce],
      })
      const state = await call<Hex>('eth_call', [{ to: authorization.asset, data }, head.number])
      if (BigInt(state) !== 0n) return { kind: 'unknown', cause: 'used, but no event says how' }
      return Number(head.timestamp) >= authorization.validBefore
        ? { kind: 'dead', reason: 'authorization_expired' }
        : { kind: 'unused' }
    },
  }
}
