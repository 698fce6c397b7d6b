import { now } from '../clock.ts'
import type { Ask, Credential, PaymentProtocol, Verdict } from './protocol.ts'

/** A verdict that is older is asked for again before work starts: balances change. */
const VERDICT_LIFE_MS = 60_000

/** The verdict about one payment: asked for once for all who show the same signed bytes. */
export class Verdicts {
  readonly #protocolOf: (credential: Credential) => PaymentProtocol
  #known: { readonly subject: string; readonly verdict: Promise<Verdict>; readonly until: number } | undefined

  constructor(protocolOf: (credential: Credential) => PaymentProtocol) {
    this.#protocolOf = protocolOf
  }

  /** Judges a credential for one route at one price. */
  async judge(credential: Credential, ask: Ask): Promise<Verdict> {
    const subject = [credential.digest, ask.method, ask.route, ask.price].join()
    let known = this.#known
    if (known?.subject !== subject || known.until < now()) {
      const verdict = this.#protocolOf(credential).verify(credential, ask)
      known = { subject, verdict, until: now() + VERDICT_LIFE_MS }
      this.#known = known
    }
    const verdict = await known.verdict
    // A refusal is not remembered: the payer may be funded, the facilitator may recover.
    if (verdict.kind !== 'valid' && this.#known === known) this.forget()
    return verdict
  }

  /** The next one asks anew. */
  forget(): void {
    this.#known = undefined
  }
}
