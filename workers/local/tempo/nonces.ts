import type { Address } from 'viem'
import { refuse } from './failure.ts'
import type { TempoTransaction } from './transaction.ts'

const MAX_EXPIRY_S = 30

/** Which nonces are spent: counted ones for each sender and key, and expiring ones. */
export interface Nonces {
  /** Throws unless the transaction may be mined at `time` (seconds), after `ahead` others of its lane that wait. */
  check(transaction: TempoTransaction, time: number, ahead: number): void
  /** Spends the nonce of a transaction that was checked. */
  spend(transaction: TempoTransaction): void
  /** The next nonce of a sender for the key 0. */
  readNext(owner: Address): bigint
}

function checkWindow({ validBefore, validAfter }: TempoTransaction['envelope'], time: number): void {
  if (validBefore !== undefined && validBefore <= time) throw refuse('transaction expired: validBefore <= now')
  if (validAfter !== undefined && validAfter > time) throw refuse('transaction not yet valid: validAfter > now')
}

/** Nonces of which none is spent. */
export function createNonces(): Nonces {
  const counts = new Map<string, bigint>()
  const spentUntil = new Map<string, number>()

  const checkExpiring = ({ envelope, lane }: TempoTransaction, time: number, ahead: number) => {
    const { nonce = 0n, validBefore } = envelope
    if (nonce !== 0n) throw refuse('the nonce of an expiring transaction must be 0')
    if (validBefore === undefined) throw refuse('invalid expiring nonce expiry: validBefore is missing')
    if (validBefore > time + MAX_EXPIRY_S) {
      throw refuse(`invalid expiring nonce expiry: validBefore is more than ${MAX_EXPIRY_S} s away`)
    }
    if (ahead > 0 || (spentUntil.get(lane) ?? 0) > time) throw refuse('expiring nonce replay')
  }

  const checkCounted = ({ envelope, lane }: TempoTransaction, ahead: number) => {
    const { nonce = 0n } = envelope
    const next = counts.get(lane) ?? 0n
    if (nonce < next) throw refuse(`nonce too low: next nonce ${next}, tx nonce ${nonce}`)
    if (nonce < next + BigInt(ahead)) throw refuse('replacement transaction underpriced')
    if (nonce > next + BigInt(ahead)) throw refuse(`dev chain: nonce gap: next nonce ${next}, tx nonce ${nonce}`)
  }

  return {
    check(transaction, time, ahead) {
      checkWindow(transaction.envelope, time)
      if (transaction.expiring) checkExpiring(transaction, time, ahead)
      else checkCounted(transaction, ahead)
    },
    spend({ expiring, lane, envelope }) {
      if (expiring) spentUntil.set(lane, envelope.validBefore ?? Number.POSITIVE_INFINITY)
      else counts.set(lane, (counts.get(lane) ?? 0n) + 1n)
    },
    readNext: (owner) => counts.get(`${owner.toLowerCase()}:0`) ?? 0n,
  }
}
