import {
  type Address,
  decodeFunctionData,
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  type Hex,
  zeroAddress,
} from 'viem'
import { Abis } from 'viem/tempo'
import type { Balances } from './balances.ts'
import { Revert, refuse, refuseUnmodelled } from './failure.ts'
import { TRANSFER_GAS } from './gas.ts'
import { isTokenAddress, tempoTokens } from './tokens.ts'

/** One call of a transaction, as it is signed or simulated. */
export interface TempoCall {
  readonly to?: Address | undefined
  readonly data?: Hex | undefined
  readonly value?: bigint | undefined
}

/** An event before it has a place in a block. */
export interface TempoEvent {
  readonly address: Address
  readonly topics: readonly Hex[]
  readonly data: Hex
}

interface Transfer {
  readonly from: Address
  readonly to: Address
  readonly amount: bigint
  readonly memo?: Hex
}

function createEvent(token: Address, eventName: 'Transfer' | 'TransferWithMemo', transfer: Transfer): TempoEvent {
  const topics = encodeEventTopics({ abi: Abis.tip20, eventName, args: transfer as never }) as Hex[]
  return { address: token, topics, data: encodeAbiParameters([{ type: 'uint256' }], [transfer.amount]) }
}

/** The event of a plain transfer. */
export const createTransferEvent = (token: Address, from: Address, to: Address, amount: bigint): TempoEvent =>
  createEvent(token, 'Transfer', { from, to, amount })

function decodeTransfer(from: Address, data: Hex): Transfer {
  let call: ReturnType<typeof decodeFunctionData<typeof Abis.tip20>>
  try {
    call = decodeFunctionData({ abi: Abis.tip20, data })
  } catch {
    throw refuseUnmodelled(`TIP-20 call ${data.slice(0, 10)}`)
  }
  if (call.functionName !== 'transfer' && call.functionName !== 'transferWithMemo') {
    throw refuseUnmodelled(`TIP-20 call ${call.functionName}`)
  }
  // Other bytes for the same call, such as more at its end, are not what a wallet makes.
  if (encodeFunctionData({ abi: Abis.tip20, ...call } as never) !== data.toLowerCase()) {
    throw refuseUnmodelled('call data that is not encoded canonically')
  }
  const [to, amount, memo] = call.args
  return { from, to, amount, ...(memo !== undefined && { memo }) }
}

/** Makes one transfer on the balances. Throws a `Revert` when it fails and refuses every other call. */
function runCall(balances: Balances, from: Address, { to: token, data = '0x', value }: TempoCall): TempoEvent[] {
  if (value) throw refuse('value transfer not allowed on Tempo')
  if (!token || !tempoTokens.has(token.toLowerCase())) throw refuseUnmodelled(`a call to ${token ?? 'nobody'}`)
  const transfer = decodeTransfer(from, data)
  if (isTokenAddress(transfer.to) || transfer.to === zeroAddress) throw new Revert('InvalidRecipient')
  balances.move(token, from, transfer.to, transfer.amount)
  const events = [createEvent(token, 'Transfer', transfer)]
  return transfer.memo ? [...events, createEvent(token, 'TransferWithMemo', transfer)] : events
}

/**
 * Runs calls one after the other on the balances, which the caller drops when this throws: a `Revert` for a transfer
 * that fails, another failure for a call that the dev chain does not know.
 */
export function runCalls(balances: Balances, from: Address, calls: readonly TempoCall[]) {
  const events = calls.flatMap((call) => runCall(balances, from, call))
  return { events, gas: TRANSFER_GAS * BigInt(calls.length) }
}
