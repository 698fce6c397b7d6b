import { now } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { Price } from './protocol.ts'
import { type OpenStanding, standingOf } from './standing.ts'

/** Seconds after which another unpaid request may be answered. */
const UNPAID_RETRY_S = 60
/** How long a place that was given back waits for its next probe. */
const GIFT_LIFE_MS = 60_000
/** As many as one address may save up: what the limit allows it in a minute. */
const MAX_GIFTS = 30
/** Addresses that are remembered at once; the one that was heard of longest ago goes first. */
const MAX_ADDRESSES = 10_000

/** The unpaid requests of each address. */
export interface UnpaidLimit {
  /** Counts one. @throws ApiError `rate_limited` above the limit */
  take(address: string): Promise<void>
  /** Gives one back: the probe of a request that was paid for in the end, so that who pays never feels the limit. */
  giveBack(address: string): void
}

/**
 * Counts with the Rate Limiting binding, which is per location and approximate, and remembers in this isolate what was
 * given back.
 */
export function createUnpaidLimit(binding: Pick<RateLimit, 'limit'>): UnpaidLimit {
  const gifts = new Map<string, { count: number; until: number }>()
  return {
    async take(address) {
      const gift = gifts.get(address)
      if (gift && gift.count > 0 && gift.until > now()) {
        gift.count -= 1
        return
      }
      gifts.delete(address)
      const { success } = await binding.limit({ key: address })
      if (!success) throw new ApiError('rate_limited', { retryAfter: UNPAID_RETRY_S })
    },
    giveBack(address) {
      const count = Math.min(MAX_GIFTS, (gifts.get(address)?.count ?? 0) + 1)
      // Deleted first, so that the order in the map is that of their last gift.
      gifts.delete(address)
      gifts.set(address, { count, until: now() + GIFT_LIFE_MS })
      if (gifts.size > MAX_ADDRESSES) gifts.delete(gifts.keys().next().value!)
    },
  }
}

/** Whether another one may happen now. */
export type Pace = () => boolean

/** At most `count` within any second. */
export function createPace(count: number): Pace {
  const recent: number[] = []
  return () => {
    while (recent.length > 0 && recent[0]! <= now() - 1000) recent.shift()
    if (recent.length >= count) return false
    recent.push(now())
    return true
  }
}

/** Verifications that one isolate asks for in a second. */
export const VERIFIES_PER_SECOND = 20

/**
 * Who the unpaid limit counts: the client's address; for callers that are themselves Workers, which share addresses,
 * the zone that they belong to.
 */
export function countedAs(headers: Headers, address: string | null): string {
  return address ?? `worker ${headers.get('cf-worker') ?? 'unknown'}`
}

/** How long an isolate believes what it has heard of the losses of the whole service: that record is one object. */
const LOSSES_FRESH_MS = 5_000

/** Tells whether everyone has to pay before the work, since too much work was never paid for. */
export type Breaker = () => Promise<boolean>

/** Trips while the losses of the last hour exceed `maxLoss` dollars. Rejects when the record cannot be read. */
export function createBreaker(openStanding: OpenStanding, maxLoss: Price): Breaker {
  // Every asset that is taken has six decimals.
  const maxUnits = Math.round(Number(maxLoss) * 1e6)
  let last = { lost: 0, until: 0 }
  return async () => {
    if (last.until <= now()) {
      const { lostInHour } = await openStanding(standingOf.service).read()
      last = { lost: lostInHour, until: now() + LOSSES_FRESH_MS }
    }
    return last.lost > maxUnits
  }
}
