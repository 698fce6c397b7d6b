/** How many free uploads a UTC day has room for. */
export interface CapLimits {
  readonly perClient: number
  readonly inAll: number
}

/** How a client stands after it has asked for a slot. */
export interface Slot {
  readonly isFree: boolean
  /** What the client has left today. */
  readonly remaining: number
}

/** The count of one UTC day, as its callers see its object over RPC. */
export interface DailyCapClient {
  /** Takes a slot for a client's address, if there is one. */
  take(client: string, limits: CapLimits): Promise<Slot>
  /** Gives one back, whose upload has failed. */
  giveBack(client: string): Promise<void>
}

/** Opens the count of a day, such as `2026-11-27`. */
export type OpenDailyCap = (day: string) => DailyCapClient

const DAY_MS = 24 * 60 * 60 * 1000

/** The UTC day of a time. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** Seconds from a time to the next 00:00 UTC, at least one. */
export const secondsToMidnight = (time: number): number => Math.ceil((DAY_MS - (time % DAY_MS)) / 1000)
