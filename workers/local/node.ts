import { decodeErrorResult, type Hex, isHex, toHex } from 'viem'
import type { Engine } from './engine.ts'
import type { RpcAnswer, RpcCall, RpcError, RpcService } from './json-rpc.ts'
import { createQueue } from './queue.ts'
import { createStaleReader } from './stale.ts'

const EXECUTION_REVERTED = 3

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function explainRevert(data: Hex): string {
  try {
    const { errorName, args } = decodeErrorResult({ data })
    return errorName === 'Error' ? `execution reverted: ${args?.[0]}` : 'execution reverted'
  } catch {
    return 'execution reverted'
  }
}

/**
 * EDR hides a revert's data one level deeper and answers -32000. Geth and Base say code 3 with the text and the data,
 * and clients read the reason only from that.
 */
function rewriteError({ code, message, data }: RpcError): RpcError {
  const revert = isRecord(data) ? data.data : undefined
  if (!isHex(revert)) return { code, message }
  return { code: EXECUTION_REVERTED, message: explainRevert(revert), data: revert }
}

/**
 * Makes a node of the engine: reverts as geth says them, automine that lets early nonces wait in the pool, and a clock
 * that stays right when a snapshot is reverted.
 */
export function createNode(engine: Engine): RpcService {
  const enqueue = createQueue()
  const clockOffsets = new Map<unknown, number>()
  let automine = true

  const mine = (...params: Hex[]) => engine.call('evm_mine', params)

  const send = (method: string, params: readonly unknown[]) =>
    enqueue(async () => {
      const answer = await engine.call(method, params)
      if (automine && !answer.error) await mine()
      return answer
    })

  const setAutomine = (enabled: boolean) =>
    enqueue(async () => {
      automine = enabled
      // What waited while nothing was mined must not wait for the next transaction.
      if (enabled) await mine()
      return { result: true }
    })

  const takeSnapshot = async () => {
    const offset = await engine.call('evm_increaseTime', ['0x0'])
    const answer = await engine.call('evm_snapshot')
    if (!answer.error && !offset.error) clockOffsets.set(answer.result, Number(offset.result))
    return answer
  }

  // EDR lets the clock run ahead by the time that passed since the snapshot; one empty block at the right time, at the
  // head of the reverted chain, puts it right.
  const revertTo = async (params: readonly unknown[]) => {
    const answer = await engine.call('evm_revert', params)
    if (automine && !answer.error && answer.result === true) {
      await mine(toHex(Math.floor(Date.now() / 1000) + (clockOffsets.get(params[0]) ?? 0)))
    }
    return answer
  }

  const methods: Record<string, (params: readonly unknown[]) => Promise<RpcAnswer>> = {
    eth_sendRawTransaction: (params) => send('eth_sendRawTransaction', params),
    eth_sendTransaction: (params) => send('eth_sendTransaction', params),
    evm_setAutomine: ([enabled]) => setAutomine(enabled === true),
    hardhat_getAutomine: async () => ({ result: automine }),
    evm_snapshot: takeSnapshot,
    evm_revert: revertTo,
  }

  const call: RpcCall = async (method, params) => {
    const handle = Object.hasOwn(methods, method) ? methods[method] : undefined
    const answer = await (handle ? handle(params) : engine.call(method, params))
    return answer.error ? { error: rewriteError(answer.error) } : answer
  }

  return { call, stale: createStaleReader(call) }
}
