import { nowSeconds } from '../clock.ts'
import { DEAD_MARGIN_MS, type Due } from './ledger-row.ts'
import type { Credential, PaymentProtocol } from './protocol.ts'
import { type OpenStanding, standingOf } from './standing.ts'

/** What may wait for one payer's work in flight: two dollars, in millionths. */
const MAX_IN_FLIGHT = 2_000_000n

/** A payment whose work would go on after its answer. */
export interface Deferrable {
  readonly protocol: PaymentProtocol
  readonly credential: Credential
  readonly due: Due
  /** How long the work may take. */
  readonly seconds: number
  /** Names the work. */
  readonly result: string
}

/**
 * Whether a payment may wait for the end of its work. `now`: it is collected before the answer. `short`: what the payer
 * has is spoken for by other work of his in flight. What waits is held against his balance until then.
 */
export async function judgeDeferral(
  { protocol, credential, due, seconds, result }: Deferrable,
  openStanding: OpenStanding,
): Promise<'deferred' | 'now' | 'short'> {
  if (!protocol.readBalance) return 'now'
  if (credential.validBefore - nowSeconds() < protocol.needsSeconds(seconds)) return 'now'
  try {
    const balance = await protocol.readBalance(credential)
    const most = balance < MAX_IN_FLIGHT ? balance : MAX_IN_FLIGHT
    const until = credential.validBefore * 1000 + DEAD_MARGIN_MS
    const { isHeld, held } = await openStanding(standingOf.payer(due.payer)).hold(
      result,
      due.amount,
      String(most),
      until,
    )
    if (isHeld) return 'deferred'
    return BigInt(held) + BigInt(due.amount) > balance ? 'short' : 'now'
  } catch {
    // Whoever cannot be asked has not allowed it.
    return 'now'
  }
}
