import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countedAs, createBreaker, createPace, createUnpaidLimit } from '../../src/payments/limits.ts'
import { goodConduct, type StandingClient } from '../../src/payments/standing.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 }))
afterEach(() => vi.useRealTimers())
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms)

describe('the unpaid limit', () => {
  /** The limit over a binding that allows so many of each key. */
  function createLimit(allowed: number) {
    const counts = new Map<string, number>()
    const limit = async ({ key }: { key: string }) => {
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return { success: count <= allowed }
    }
    return { counts, unpaid: createUnpaidLimit({ limit }) }
  }

  it('answers 429 rate_limited with Retry-After: 60 above what the binding allows', async () => {
    const { unpaid } = createLimit(2)
    await unpaid.take('a')
    await unpaid.take('a')
    await expect(unpaid.take('a')).rejects.toMatchObject({ code: 'rate_limited', options: { retryAfter: 60 } })
    await unpaid.take('b')
  })

  it('is not felt by an address that gets its probes back', async () => {
    const { unpaid, counts } = createLimit(1)
    for (let call = 0; call < 50; call += 1) {
      await unpaid.take('a')
      unpaid.giveBack('a')
    }
    expect(counts.get('a')).toBe(1)
  })

  it('gives back to one address alone, for a minute, and 30 at most', async () => {
    const { unpaid } = createLimit(0)
    for (let call = 0; call < 100; call += 1) unpaid.giveBack('a')
    await expect(unpaid.take('b')).rejects.toMatchObject({ code: 'rate_limited' })
    for (let call = 0; call < 30; call += 1) await unpaid.take('a')
    await expect(unpaid.take('a')).rejects.toMatchObject({ code: 'rate_limited' })
    unpaid.giveBack('a')
    pass(60_000)
    await expect(unpaid.take('a')).rejects.toMatchObject({ code: 'rate_limited' })
  })

  it('remembers 10,000 addresses and forgets the one that was heard of longest ago', async () => {
    const { unpaid } = createLimit(0)
    for (let address = 0; address <= 10_000; address += 1) unpaid.giveBack(`${address}`)
    await expect(unpaid.take('0')).rejects.toMatchObject({ code: 'rate_limited' })
    await unpaid.take('1')
    await unpaid.take('10000')
  })
})

describe('whom the unpaid limit counts', () => {
  it('is the address, or the zone of a caller that is a Worker', () => {
    expect(countedAs(new Headers(), '198.51.100.7')).toBe('198.51.100.7')
    expect(countedAs(new Headers({ 'CF-Worker': 'agent.example' }), null)).toBe('worker agent.example')
    expect(countedAs(new Headers(), null)).toBe('worker unknown')
  })
})

describe('a pace', () => {
  it('lets 20 through in any second, not more', () => {
    const mayAsk = createPace(20)
    const ask = (times: number) => Array.from({ length: times }, mayAsk).filter(Boolean).length
    expect(ask(15)).toBe(15)
    pass(600)
    expect(ask(15)).toBe(5)
    pass(399)
    expect(ask(1)).toBe(0)
    pass(1)
    expect(ask(30)).toBe(15)
  })
})

describe('the breaker', () => {
  it('trips above the loss that the operator allows, and hears of news within 5 seconds', async () => {
    const asked: string[] = []
    let lostInHour = 5_000_000
    const openStanding = (name: string) => {
      asked.push(name)
      return { read: async () => ({ ...goodConduct, lostInHour }) } as StandingClient
    }
    const isTripped = createBreaker(openStanding, '5')
    expect(await isTripped()).toBe(false)
    lostInHour += 1
    expect(await isTripped()).toBe(false)
    expect(asked).toEqual(['service'])
    pass(5_000)
    expect(await isTripped()).toBe(true)
  })
})
