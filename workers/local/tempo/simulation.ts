import { type Address, decodeFunctionData, encodeFunctionResult, type Hex, toHex, zeroAddress } from 'viem'
import { Abis } from 'viem/tempo'
import { z } from 'zod'
import type { Blockchain } from './blockchain.ts'
import { refuse, refuseUnmodelled } from './failure.ts'
import { computeIntrinsicGas } from './gas.ts'
import { address, bytes, quantity } from './params.ts'
import { FEE_MANAGER, tempoTokens } from './tokens.ts'
import { runCalls, type TempoCall } from './transfers.ts'

const call = {
  to: address.nullish(),
  data: bytes.optional(),
  input: bytes.optional(),
  value: quantity.optional(),
}

/** What `eth_call` and `eth_estimateGas` take: a call, or a whole transaction before it is signed. */
export const callRequest = z.object({
  ...call,
  from: address.optional(),
  calls: z.array(z.object(call)).min(1).optional(),
  validBefore: quantity.nullish(),
})

export type CallRequest = z.infer<typeof callRequest>

const readCall = ({ to, data, input, value }: Omit<CallRequest, 'calls' | 'from'>): TempoCall => ({
  to: to ?? undefined,
  data: data ?? input,
  value,
})

/** What a token or the fee manager answers to a question; undefined when the call is none. */
function readView(chain: Blockchain, to: Address, data: Hex): Hex | undefined {
  if (to === FEE_MANAGER) {
    const { functionName } = decodeFunctionData({ abi: Abis.feeManager, data })
    if (functionName !== 'userTokens') throw refuseUnmodelled(`FeeManager.${functionName}`)
    return encodeFunctionResult({ abi: Abis.feeManager, functionName, result: zeroAddress })
  }
  const token = tempoTokens.get(to)
  if (!token) return undefined
  const { functionName, args } = decodeFunctionData({ abi: Abis.tip20, data })
  const encode = (name: typeof functionName, result: unknown) =>
    encodeFunctionResult({ abi: Abis.tip20, functionName: name, result } as never)
  switch (functionName) {
    case 'balanceOf':
      return encode(functionName, chain.vault.read(to, args[0]))
    case 'totalSupply':
      return encode(functionName, chain.vault.sum(to))
    case 'name':
    case 'symbol':
    case 'currency':
    case 'decimals':
      return encode(functionName, token[functionName])
    default:
      return undefined
  }
}

function tryView(chain: Blockchain, to: Address, data: Hex): Hex | undefined {
  try {
    return readView(chain, to, data)
  } catch {
    throw refuseUnmodelled(`eth_call ${data.slice(0, 10)} to ${to}`)
  }
}

/** Makes the calls on a draft, which is dropped. Throws a `Revert` when one fails. */
function simulate(chain: Blockchain, request: CallRequest): bigint {
  const { from = zeroAddress, calls, validBefore } = request
  if (validBefore && validBefore <= BigInt(chain.readTime())) throw refuse('transaction expired: validBefore <= now')
  const list = calls ? calls.map(readCall) : [readCall(request)]
  const { gas } = runCalls(chain.vault.draft(), from, list)
  return computeIntrinsicGas(list.length) + gas
}

/** The answer of `eth_call`. */
export function answerCall(chain: Blockchain, request: CallRequest): Hex {
  const { to, data } = readCall(request)
  const view = !request.calls && to && data ? tryView(chain, to, data) : undefined
  if (view) return view
  simulate(chain, request)
  return '0x'
}

/** The answer of `eth_estimateGas`. */
export const estimateGas = (chain: Blockchain, request: CallRequest): Hex => toHex(simulate(chain, request))
