import { decodeErrorResult, type Hex, isHex, toHex } from 'viem'
import type { Engine, RpcAnswer, RpcError } from './engine.ts'
import { createQueue } from './queue.ts'

/** A JSON-RPC answer as it goes over the wire. */
export type RpcEnvelope = { readonly jsonrpc: '2.0'; readonly id: string | number | null } & RpcAnswer

/** Answers JSON-RPC requests and batches of them as a node on the wire does. */
export interface Node {
  /** `body` is parsed JSON of any shape: what is no request gets a JSON-RPC error, never a throw. */
  answer(body: unknown): Promise<RpcEnvelope | RpcEnvelope[]>
}

const INVALID_REQUEST = { code: -32600, message: 'Invalid Request' }
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
 * Makes a node of the engine: envelopes and batches, reverts as geth says them, automine that lets early nonces wait
 * in the pool, and a clock that stays right when a snapshot is reverted.
 */
export function createNode(engine: Engine): Node {
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

  const answerOne = async (request: unknown): Promise<RpcEnvelope> => {
    const record = isRecord(request) ? request : {}
    const id = typeof record.id === 'string' || typeof record.id === 'number' ? record.id : null
    const { method, params = [] } = record
    if (typeof method !== 'string' || !Array.isArray(params)) return { jsonrpc: '2.0', id, error: INVALID_REQUEST }
    const handle = Object.hasOwn(methods, method) ? methods[method] : undefined
    const answer = await (handle ? handle(params) : engine.call(method, params))
    return { jsonrpc: '2.0', id, ...(answer.error ? { error: rewriteError(answer.error) } : { result: answer.result }) }
  }

  return {
    async answer(body) {
      if (!Array.isArray(body)) return answerOne(body)
      if (body.length === 0) return { jsonrpc: '2.0', id: null, error: INVALID_REQUEST }
      return Promise.all(body.map(answerOne))
    },
  }
}
