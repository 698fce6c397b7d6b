import { setTimeout as sleep } from 'node:timers/promises'
import { type Hex, toHex } from 'viem'
import { z } from 'zod'
import type { RpcService } from '../json-rpc.ts'
import { describeBlock, describeReceipt, describeTransaction } from './answers.ts'
import type { Block, Blockchain } from './blockchain.ts'
import { RpcFailure, refuseUnmodelled } from './failure.ts'
import { BASE_FEE } from './gas.ts'
import { filterLogs, logFilter } from './log-filter.ts'
import { address, type BlockTag, blockTag, bytes, hash, quantity, readParams } from './params.ts'
import { answerCall, callRequest, estimateGas } from './simulation.ts'
import { ALPHA_USD, isTokenAddress, PATH_USD } from './tokens.ts'

export interface NodeOptions {
  /** How long `eth_sendRawTransactionSync` waits for the block at most. */
  readonly syncTimeoutMs: number
}

/** What the faucet gives of each token. */
const FAUCET_UNITS = 1_000_000n * 10n ** 6n
const SYNC_POLL_MS = 20
const TIMEOUT_CODE = 4

const seconds = z.union([z.int().nonnegative(), quantity.transform(Number)])
const simulated = z.tuple([callRequest], z.unknown())

type Method = (params: readonly unknown[]) => unknown

function findBlock(chain: Blockchain, tag: BlockTag, head = chain.readHead()): Block | undefined {
  if (typeof tag === 'bigint') return chain.findBlock(tag)
  return tag === 'earliest' ? chain.findBlock(0n) : head
}

/** Old states are not kept: a call is answered as of the newest block, and refused for another. */
function checkState(chain: Blockchain, [, block = 'latest', overrides]: readonly unknown[]): void {
  const [tag] = readParams(z.tuple([blockTag]), [block])
  // Read once: between two looks a block may come.
  const head = chain.readHead()
  if (findBlock(chain, tag, head) !== head) throw refuseUnmodelled('the state at an old block')
  if (overrides !== undefined) throw refuseUnmodelled('a state override')
}

function createMethods(chain: Blockchain, { syncTimeoutMs }: NodeOptions): Record<string, Method> {
  const findReceipt = (of: Hex) => {
    const mined = chain.findMined(of)
    return mined ? describeReceipt(mined) : null
  }

  const waitForReceipt = async (of: Hex, asked: bigint | null | undefined) => {
    const limit = Math.min(Number(asked ?? syncTimeoutMs), syncTimeoutMs)
    const deadline = performance.now() + limit
    let receipt = findReceipt(of)
    while (!receipt && performance.now() < deadline) {
      await sleep(SYNC_POLL_MS)
      receipt = findReceipt(of)
    }
    if (receipt) return receipt
    const message = `The transaction was added to the mempool but wasn't processed within ${limit}ms`
    throw new RpcFailure(TIMEOUT_CODE, message, of)
  }

  const reads: Record<string, Method> = {
    eth_chainId: () => toHex(chain.chainId),
    net_version: () => String(chain.chainId),
    web3_clientVersion: () => 'pixtoll-tempo-dev-chain',
    eth_blockNumber: () => toHex(chain.readHead().number),
    eth_gasPrice: () => toHex(BASE_FEE),
    eth_maxPriorityFeePerGas: () => '0x0',
    eth_getBalance: () => '0x0',
    eth_getBlockByNumber(params) {
      const [tag, whole] = readParams(z.tuple([blockTag, z.boolean().default(false)]), params)
      const block = findBlock(chain, tag)
      return block ? describeBlock(block, whole) : null
    },
    eth_getCode(params) {
      const [of] = readParams(z.tuple([address], z.unknown()), params)
      return isTokenAddress(of) ? '0xef' : '0x'
    },
    eth_getTransactionCount(params) {
      const [of] = readParams(z.tuple([address], z.unknown()), params)
      checkState(chain, params)
      return toHex(chain.readNextNonce(of))
    },
    eth_call(params) {
      const [request] = readParams(simulated, params)
      checkState(chain, params)
      return answerCall(chain, request)
    },
    eth_estimateGas(params) {
      const [request] = readParams(simulated, params)
      checkState(chain, params)
      return estimateGas(chain, request)
    },
    eth_getLogs(params) {
      const [filter] = readParams(z.tuple([logFilter]), params)
      return filterLogs(chain, filter)
    },
    eth_getTransactionReceipt(params) {
      const [of] = readParams(z.tuple([hash]), params)
      return findReceipt(of)
    },
    eth_getTransactionByHash(params) {
      const [of] = readParams(z.tuple([hash]), params)
      const mined = chain.findMined(of)
      const transaction = mined?.transaction ?? chain.findWaiting(of)
      return transaction ? describeTransaction(transaction, mined) : null
    },
  }

  const writes: Record<string, Method> = {
    eth_sendRawTransaction(params) {
      const [raw] = readParams(z.tuple([bytes]), params)
      return chain.submit(raw)
    },
    eth_sendRawTransactionSync(params) {
      const [raw, timeout] = readParams(
        z.tuple([bytes, z.union([z.int().nonnegative().transform(BigInt), quantity]).nullish()]),
        params,
      )
      return waitForReceipt(chain.submit(raw), timeout)
    },
    tempo_fundAddress(params) {
      const [to] = readParams(z.tuple([address]), params)
      for (const token of [PATH_USD, ALPHA_USD]) chain.vault.mint(token, to, FAUCET_UNITS)
      return []
    },
    evm_setAutomine(params) {
      const [enabled] = readParams(z.tuple([z.boolean()]), params)
      chain.setAutomine(enabled)
      return true
    },
    evm_mine(params) {
      readParams(z.tuple([]), params)
      chain.mine()
      return '0x0'
    },
    evm_increaseTime(params) {
      const [by] = readParams(z.tuple([seconds]), params)
      return toHex(chain.increaseTime(by))
    },
  }
  return { ...reads, ...writes }
}

/** Answers the JSON-RPC of a Tempo node for the chain: what it does not model it refuses, never makes up. */
export function createTempoNode(chain: Blockchain, options: NodeOptions): RpcService {
  const methods = createMethods(chain, options)
  return {
    async call(method, params) {
      const answer = Object.hasOwn(methods, method) ? methods[method] : undefined
      if (!answer) {
        return { error: { code: -32601, message: `the method ${method} does not exist/is not available` } }
      }
      try {
        return { result: await answer(params) }
      } catch (error) {
        if (!(error instanceof RpcFailure)) throw error
        const { code, message, data } = error
        return { error: { code, message, ...(data && { data }) } }
      }
    },
  }
}
