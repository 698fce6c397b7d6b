/** How a queue behaves. Times in milliseconds. */
export interface QueueOptions {
  /** How many may wait beside the one that works. */
  readonly maxWaiting: number
  /** How many bytes those who wait may hold together: what waits lies in memory, too. */
  readonly maxWaitingBytes: number
  /** How long one may wait. */
  readonly patience: number
  /** How often one who waits looks whether it is its turn. */
  readonly interval: number
  /** How long the place is held without a sign of life. */
  readonly lease: number
  now(): number
  sleep(milliseconds: number): Promise<void>
}

/** The right to work. Whoever has it gives it back with `leave`, whatever happens. */
export interface Place {
  /** A sign of life: extends the lease. False if the place was lost, and then the work must stop. */
  renew(): boolean
  /** Gives the place back. Twice does no harm, nor after it was lost. */
  leave(): void
  /** Called once if the lease runs out and another takes the place: let go of everything large. */
  whenLost(release: () => void): void
}

/**
 * Intervals after which a ticket that nobody looks after counts as dead. Its owner cannot look while another picture is
 * decoded, which takes up to a second.
 */
const stale = 200

interface Holder {
  until: number
  release: () => void
}

interface Ticket {
  readonly bytes: number
  seen: number
}

/**
 * Lets one caller work at a time, a few wait in order, and refuses the rest.
 *
 * In workerd a request that dies (its client hung up) may stop anywhere, without `finally`, and a promise that only
 * another request can settle counts as hung. So nobody waits for anyone's promise: who waits looks again after each
 * sleep of its own, who stops looking loses its ticket, and who holds the place without a sign of life loses that.
 */
export class Queue {
  readonly #options: QueueOptions
  #holder: Holder | null = null
  #waiting: Ticket[] = []

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /** Answers a place at once or when it is this caller's turn, or null: too many wait, or it took too long. */
  async enter(bytes: number): Promise<Place | null> {
    const { maxWaiting, maxWaitingBytes, patience, interval, now, sleep } = this.#options
    this.#sweep()
    if (!this.#holder && this.#waiting.length === 0) return this.#take()
    const waitingBytes = this.#waiting.reduce((sum, ticket) => sum + ticket.bytes, bytes)
    if (this.#waiting.length >= maxWaiting || waitingBytes > maxWaitingBytes) return null
    const ticket: Ticket = { bytes, seen: now() }
    this.#waiting.push(ticket)
    const deadline = now() + patience
    while (now() < deadline) {
      await sleep(interval)
      ticket.seen = now()
      this.#sweep()
      // One that was thought dead and comes back late has lost its turn.
      if (!this.#waiting.includes(ticket)) return null
      if (!this.#holder && this.#waiting[0] === ticket) {
        this.#waiting.shift()
        return this.#take()
      }
    }
    this.#waiting = this.#waiting.filter((other) => other !== ticket)
    return null
  }

  /** Removes the dead: a holder whose lease ran out, tickets that nobody looks after. */
  #sweep(): void {
    const { interval, now } = this.#options
    const time = now()
    if (this.#holder && this.#holder.until <= time) {
      const { release } = this.#holder
      this.#holder = null
      release()
    }
    this.#waiting = this.#waiting.filter((ticket) => time - ticket.seen < interval * stale)
  }

  #take(): Place {
    const { lease, now } = this.#options
    const holder: Holder = { until: now() + lease, release: () => {} }
    this.#holder = holder
    return {
      renew: () => {
        if (this.#holder !== holder) return false
        holder.until = now() + lease
        return true
      },
      leave: () => {
        if (this.#holder === holder) this.#holder = null
      },
      whenLost: (release) => {
        holder.release = release
      },
    }
  }
}
