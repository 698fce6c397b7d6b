import { DurableObject } from 'cloudflare:workers'
import { now } from '../clock.ts'
import type { Binding } from './idempotency-key.ts'

/** How long a key stands for its payment, counted from the last time that something was sent for it. */
const KEY_LIFE_MS = 24 * 60 * 60 * 1000

/**
 * One Idempotency-Key: a pointer to the one payment that may be charged under it. What became of that payment is for
 * its ledger to say; a payment that the ledger has forgotten or refused may be replaced, and `send` makes sure that one
 * which was replaced meanwhile is never charged.
 */
export class IdempotencyKey extends DurableObject {
  /** @see IdempotencyKeyClient.read */
  read(): Binding | null {
    const kept = this.ctx.storage.kv.get<Binding & { until: number }>('binding')
    if (!kept || kept.until <= now()) return null
    const { fingerprint, payment, version } = kept
    return { fingerprint, payment, version }
  }

  /** @see IdempotencyKeyClient.bind */
  bind(fingerprint: string | null, payment: string, seen: string | null): Binding {
    const present = this.read()
    // Its time is counted from what is sent, not from who asks.
    if (present?.payment === payment && present.fingerprint === fingerprint) return present
    const isWaiting = present?.payment === payment && present.fingerprint === null
    const isMine = present === null || present.version === seen || isWaiting
    return isMine ? this.#keep(fingerprint, payment) : present
  }

  /** @see IdempotencyKeyClient.send */
  send(payment: string): boolean {
    const present = this.read()
    if (present && present.payment !== payment) return false
    if (present) this.#keep(present.fingerprint, payment)
    return true
  }

  #keep(fingerprint: string | null, payment: string): Binding {
    const binding = { fingerprint, payment, version: crypto.randomUUID() }
    const until = now() + KEY_LIFE_MS
    this.ctx.storage.kv.put('binding', { ...binding, until })
    void this.ctx.storage.setAlarm(until)
    return binding
  }

  /** Forgets a key whose time is over. */
  override async alarm(): Promise<void> {
    const until = this.ctx.storage.kv.get<{ until: number }>('binding')?.until ?? 0
    await (until <= now() ? this.ctx.storage.deleteAll() : this.ctx.storage.setAlarm(until))
  }
}
