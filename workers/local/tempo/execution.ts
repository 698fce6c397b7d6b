import type { Balances } from './balances.ts'
import { Revert, refuse } from './failure.ts'
import { BASE_FEE, computeFee, computeIntrinsicGas } from './gas.ts'
import { FEE_MANAGER } from './tokens.ts'
import type { TempoTransaction } from './transaction.ts'
import { createTransferEvent, runCalls, type TempoEvent } from './transfers.ts'

const MAX_TRANSACTION_GAS = 30_000_000n

/** What a transaction did. */
export interface Outcome {
  readonly succeeded: boolean
  readonly gasUsed: bigint
  readonly gasPrice: bigint
  readonly events: readonly TempoEvent[]
}

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** Throws unless the fee payer can pay what the transaction may cost at most. */
function checkFee(balances: Balances, { envelope, feeToken, feePayer }: TempoTransaction): void {
  const { gas = 0n, maxFeePerGas = 0n, calls } = envelope
  if (maxFeePerGas < BASE_FEE) throw refuse('max fee per gas less than block base fee')
  if (gas < computeIntrinsicGas(calls.length)) throw refuse('intrinsic gas too low')
  if (gas > MAX_TRANSACTION_GAS) throw refuse('transaction gas limit too high')
  if (balances.read(feeToken, feePayer) < computeFee(gas, maxFeePerGas)) {
    throw refuse('insufficient funds for gas * price + value')
  }
}

function runAtomically(balances: Balances, { envelope, from }: TempoTransaction) {
  const { gas: limit = 0n, calls } = envelope
  const intrinsic = computeIntrinsicGas(calls.length)
  const attempt = balances.draft()
  try {
    const { events, gas } = runCalls(attempt, from, calls)
    if (intrinsic + gas > limit) return { succeeded: false, gasUsed: limit, events: [] }
    attempt.commit()
    return { succeeded: true, gasUsed: intrinsic + gas, events }
  } catch (error) {
    if (!(error instanceof Revert)) throw error
    return { succeeded: false, gasUsed: intrinsic, events: [] }
  }
}

/**
 * Takes the fee for the whole gas limit, makes all calls or none, and gives back what was not used. A transaction that
 * reverts pays its fee. Throws a failure, and leaves the balances alone, for one that must not be mined at all.
 */
export function execute(balances: Balances, transaction: TempoTransaction): Outcome {
  const { envelope, feeToken, feePayer } = transaction
  checkFee(balances, transaction)
  const { gas = 0n, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = envelope
  const gasPrice = smaller(maxFeePerGas, BASE_FEE + maxPriorityFeePerGas)
  const draft = balances.draft()
  const deposit = computeFee(gas, gasPrice)
  draft.move(feeToken, feePayer, FEE_MANAGER, deposit)
  const { succeeded, gasUsed, events } = runAtomically(draft, transaction)
  const fee = computeFee(gasUsed, gasPrice)
  draft.move(feeToken, FEE_MANAGER, feePayer, deposit - fee)
  draft.commit()
  const feeEvent = createTransferEvent(feeToken, feePayer, FEE_MANAGER, fee)
  return { succeeded, gasUsed, gasPrice, events: [...events, feeEvent] }
}
