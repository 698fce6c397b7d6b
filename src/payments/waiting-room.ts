import { now } from '../clock.ts'
import type { Failure } from './ledger-row.ts'

/** Those who show a payment that somebody else works for. */
export class WaitingRoom {
  #work: PromiseWithResolvers<Failure | null> = Promise.withResolvers()

  /** Work begins: who waited for what went before looks again. */
  begin(): void {
    this.end(null)
    this.#work = Promise.withResolvers()
  }

  /** The work ended, and they look again; with a failure they share it. */
  end(failure: Failure | null): void {
    this.#work.resolve(failure)
  }

  /** Waits until the work ends, or `settlement` where there is one, but not past `until`. */
  async wait(until: number, settlement: Promise<unknown> | undefined): Promise<Failure | null> {
    const timeout = Promise.withResolvers<null>()
    const timer = setTimeout(() => timeout.resolve(null), Math.max(until - now(), 0) + 1)
    try {
      return await Promise.race([timeout.promise, settlement ? settlement.then(() => null) : this.#work.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}
