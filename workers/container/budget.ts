/** How pictures are let in. */
export interface BudgetOptions {
  /** Bytes that all pictures in work may take together. */
  readonly bytes: number
  /** How many may wait. */
  readonly maxWaiting: number
  /** Milliseconds that one may wait. */
  readonly patience: number
}

/** Room for one picture. Whoever has it gives it back with `leave`, whatever happens; twice does no harm. */
export interface Room {
  leave(): void
}

interface Ticket {
  readonly cost: number
  admit(room: Room | null): void
}

/**
 * Lets pictures in while their costs fit into the memory there is; the others wait in order, few of them and not for
 * long. One that costs more than there is gets all of it, alone.
 */
export class Budget {
  readonly #options: BudgetOptions
  #waiting: Ticket[] = []
  #used = 0

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  /** Bytes that pictures in work are let in for, and how many wait. */
  get state(): { readonly bytes: number; readonly used: number; readonly waiting: number } {
    return { bytes: this.#options.bytes, used: this.#used, waiting: this.#waiting.length }
  }

  /**
   * Answers room for `cost` bytes at once or when it is this picture's turn; null if too many wait, or `signal` ends
   * it.
   */
  enter(cost: number, signal: AbortSignal): Promise<Room | null> {
    const { bytes, maxWaiting, patience } = this.#options
    const capped = Math.min(cost, bytes)
    if (signal.aborted) return Promise.resolve(null)
    if (this.#waiting.length === 0 && this.#fits(capped)) return Promise.resolve(this.#take(capped))
    if (this.#waiting.length >= maxWaiting) return Promise.resolve(null)
    const { promise, resolve } = Promise.withResolvers<Room | null>()
    const giveUp = () => {
      this.#waiting = this.#waiting.filter((other) => other !== ticket)
      ticket.admit(null)
      // The next may be smaller.
      this.#admit()
    }
    const timer = setTimeout(giveUp, patience)
    signal.addEventListener('abort', giveUp, { once: true })
    const ticket: Ticket = {
      cost: capped,
      admit(room) {
        clearTimeout(timer)
        signal.removeEventListener('abort', giveUp)
        resolve(room)
      },
    }
    this.#waiting.push(ticket)
    return promise
  }

  #fits(cost: number): boolean {
    return this.#used + cost <= this.#options.bytes
  }

  #take(cost: number): Room {
    this.#used += cost
    let isHeld = true
    return {
      leave: () => {
        if (!isHeld) return
        isHeld = false
        this.#used -= cost
        this.#admit()
      },
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.cost); next = this.#waiting[0]) {
      this.#waiting.shift()
      next.admit(this.#take(next.cost))
    }
  }
}
