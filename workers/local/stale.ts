import { isHex, toHex } from 'viem'
import type { RpcCall, StaleReader } from './json-rpc.ts'

/** Where the block stands among the parameters of the methods that are asked about one. */
const BLOCK_PARAM: Readonly<Record<string, number>> = {
  eth_call: 1,
  eth_estimateGas: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
  eth_getBlockByNumber: 0,
  eth_feeHistory: 1,
}

/** Methods whose answer names its block; it is unknown while that block is. */
const BY_HASH = ['eth_getTransactionReceipt', 'eth_getTransactionByHash', 'eth_getBlockByHash']

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const isNewer = (block: unknown, head: bigint): boolean => isHex(block) && block.length < 66 && BigInt(block) > head

/** The block to ask for where `block` was asked for: the newest ones are no newer than `head`. */
const age = (block: unknown, head: bigint): unknown =>
  block === 'earliest' || (isHex(block) && !isNewer(block, head)) ? block : toHex(head)

/** Answers as a node that has not heard of the last block yet. */
export function createStaleReader(call: RpcCall): StaleReader {
  const readHead = async (): Promise<bigint> => {
    const { result } = (await call('eth_blockNumber', [])) as { result: string }
    const head = BigInt(result)
    return head > 0n ? head - 1n : 0n
  }

  const readLogs = async (params: readonly unknown[], head: bigint) => {
    const filter = isRecord(params[0]) ? params[0] : {}
    if (filter.blockHash !== undefined) {
      const { result } = await call('eth_getBlockByHash', [filter.blockHash, false])
      return isRecord(result) && isNewer(result.number, head) ? { result: [] } : call('eth_getLogs', params)
    }
    if (isNewer(filter.fromBlock, head)) return { result: [] }
    return call('eth_getLogs', [
      { ...filter, fromBlock: age(filter.fromBlock, head), toBlock: age(filter.toBlock, head) },
    ])
  }

  return {
    covers: (method) =>
      method in BLOCK_PARAM || BY_HASH.includes(method) || ['eth_blockNumber', 'eth_getLogs'].includes(method),
    async call(method, params) {
      const head = await readHead()
      if (method === 'eth_blockNumber') return { result: toHex(head) }
      if (method === 'eth_getLogs') return readLogs(params, head)
      if (BY_HASH.includes(method)) {
        const answer = await call(method, params)
        const { result } = answer
        const block = isRecord(result) ? (result.blockNumber ?? result.number) : undefined
        return isNewer(block, head) ? { result: null } : answer
      }
      const at = BLOCK_PARAM[method] ?? params.length
      const block = params[at]
      if (isNewer(block, head)) {
        if (method === 'eth_getBlockByNumber') return { result: null }
        return { error: { code: -32000, message: 'header not found' } }
      }
      return call(method, Object.assign([...params], { [at]: age(block, head) }))
    },
  }
}
