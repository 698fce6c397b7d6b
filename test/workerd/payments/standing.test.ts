import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { goodConduct, type StandingClient } from '../../../src/payments/standing.ts'
import { start } from './scripted-payment.ts'

const HOUR_MS = 60 * 60 * 1000

let count = 0
function openStanding() {
  count += 1
  const stub = (env as unknown as { STANDING: DurableObjectNamespace }).STANDING.getByName(`${count}`)
  return { stub, standing: stub as unknown as StandingClient }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }))
afterEach(() => vi.useRealTimers())

async function failTimes(standing: StandingClient, times: number, from = 0): Promise<void> {
  for (let i = from; i < from + times; i += 1) await standing.mark(`${i}`, 'failure', '0')
}

describe('somebody’s standing', () => {
  it('is good, and takes no storage, until there is something to hold against them', async () => {
    const { stub, standing } = openStanding()
    expect(await standing.read()).toEqual(goodConduct)
    const tables = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'marks'").toArray(),
    )
    expect(tables).toEqual([])
  })

  it('allows 20 failures an hour, and says when there is room for another', async () => {
    const { standing } = openStanding()
    await failTimes(standing, 19)
    expect(await standing.read()).toEqual(goodConduct)
    vi.setSystemTime(start + 60_000)
    await failTimes(standing, 1, 19)
    expect((await standing.read()).blockedFor).toBe(59 * 60)
    vi.setSystemTime(start + HOUR_MS)
    expect((await standing.read()).blockedFor).toBe(0)
  })

  it('counts what has one name once', async () => {
    const { standing } = openStanding()
    for (let i = 0; i < 25; i += 1) await standing.mark('the same', 'failure', '0')
    expect((await standing.read()).blockedFor).toBe(0)
  })

  it.each(['open', 'loss'] as const)(
    'asks for payment first within 24 h of a settlement that failed (%s)',
    async (mark) => {
      const { standing } = openStanding()
      await standing.mark('x402:1', mark, '50000')
      vi.setSystemTime(start + 24 * HOUR_MS - 1)
      expect((await standing.read()).mustPayFirst).toBe(true)
      vi.setSystemTime(start + 24 * HOUR_MS)
      expect((await standing.read()).mustPayFirst).toBe(false)
    },
  )

  it('forgives a settlement that was found after all', async () => {
    const { standing } = openStanding()
    await standing.mark('x402:1', 'open', '50000')
    await standing.clear('x402:1')
    expect(await standing.read()).toEqual(goodConduct)
  })

  it('adds up the losses of the last hour, each once; what is open is none', async () => {
    const { standing } = openStanding()
    await standing.mark('x402:1', 'loss', '50000')
    await standing.mark('x402:1', 'loss', '50000')
    await standing.mark('x402:2', 'loss', '250000')
    await standing.mark('x402:3', 'open', '1000000')
    expect((await standing.read()).lostInHour).toBe(300_000)
    vi.setSystemTime(start + HOUR_MS)
    expect((await standing.read()).lostInHour).toBe(0)
  })

  it('is forgotten after a day', async () => {
    const { stub, standing } = openStanding()
    await standing.mark('x402:1', 'loss', '50000')
    vi.setSystemTime(start + 24 * HOUR_MS)
    await runDurableObjectAlarm(stub)
    const left = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'marks'").toArray(),
    )
    expect(left).toEqual([])
    expect(await standing.read()).toEqual(goodConduct)
  })
})

describe('what is held for a payer’s work in flight', () => {
  const soon = start + 60_000

  it('is bounded, each amount counted once', async () => {
    const { standing } = openStanding()
    expect(await standing.hold('a', '1200000', '2000000', soon)).toEqual({ isHeld: true, held: '0' })
    expect(await standing.hold('b', '900000', '2000000', soon)).toEqual({ isHeld: false, held: '1200000' })
    expect(await standing.hold('b', '800000', '2000000', soon)).toEqual({ isHeld: true, held: '1200000' })
    expect(await standing.hold('a', '1200000', '2000000', soon)).toMatchObject({ isHeld: true })
    expect(await standing.hold('c', '1', '2000000', soon)).toMatchObject({ isHeld: false })
  })

  it('makes room when it is let go, or its time is over', async () => {
    const { standing } = openStanding()
    await standing.hold('a', '2000000', '2000000', soon)
    await standing.letGo('a')
    expect(await standing.hold('b', '2000000', '2000000', soon)).toMatchObject({ isHeld: true })
    vi.setSystemTime(soon)
    expect(await standing.hold('c', '2000000', '2000000', soon + 1)).toMatchObject({ isHeld: true })
  })

  it('is no more than the payer has', async () => {
    const { standing } = openStanding()
    await standing.hold('a', '50000', '90000', soon)
    expect(await standing.hold('b', '50000', '90000', soon)).toMatchObject({ isHeld: false })
  })

  it('is nothing that is held against the payer, and is forgotten with all its storage', async () => {
    const { stub, standing } = openStanding()
    await standing.hold('a', '50000', '90000', soon)
    expect(await standing.read()).toEqual(goodConduct)
    vi.setSystemTime(start + 24 * HOUR_MS)
    await runDurableObjectAlarm(stub)
    const tables = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name IN ('marks', 'holds')").toArray(),
    )
    expect(tables).toEqual([])
  })
})
