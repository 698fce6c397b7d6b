import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'
import { type DailyCapClient, dayOf, secondsToMidnight } from '../../../src/hosting/daily-cap.ts'
import { dailyCaps, useCleanSlate } from './kit.ts'

useCleanSlate()

const limits = { perClient: 3, inAll: 5 }
let count = 0
function openDay() {
  count += 1
  const stub = dailyCaps.getByName(`day ${count}`)
  return { stub, day: stub as unknown as DailyCapClient }
}

describe('the free uploads of a day', () => {
  it('are so many for one client, and the next is refused', async () => {
    const { day } = openDay()
    const slots = []
    for (let i = 0; i < 4; i += 1) slots.push(await day.take('198.51.100.1', limits))
    expect(slots).toEqual([
      { isFree: true, remaining: 2 },
      { isFree: true, remaining: 1 },
      { isFree: true, remaining: 0 },
      { isFree: false, remaining: 0 },
    ])
    expect(await day.take('198.51.100.2', limits)).toEqual({ isFree: true, remaining: 1 })
  })

  it('are so many in all, whoever asks', async () => {
    const { day } = openDay()
    for (let i = 0; i < 5; i += 1) expect((await day.take(`client ${i}`, limits)).isFree).toBe(true)
    expect(await day.take('another', limits)).toEqual({ isFree: false, remaining: 0 })
  })

  it('come back when an upload fails, but not more than were taken', async () => {
    const { day } = openDay()
    for (let i = 0; i < 3; i += 1) await day.take('a', limits)
    await day.giveBack('a')
    expect((await day.take('a', limits)).isFree).toBe(true)
    for (let i = 0; i < 9; i += 1) await day.giveBack('b')
    expect((await day.take('a', limits)).isFree).toBe(false)
    expect(await day.take('c', limits)).toEqual({ isFree: true, remaining: 1 })
  })

  it('are exact when 100 ask at once at the edge', async () => {
    const { day } = openDay()
    const asked = await Promise.all(Array.from({ length: 100 }, () => day.take('a', { perClient: 40, inAll: 1000 })))
    expect(asked.filter(({ isFree }) => isFree)).toHaveLength(40)
  })

  it('are still counted by an object that was started anew', async () => {
    const { stub, day } = openDay()
    for (let i = 0; i < 3; i += 1) await day.take('a', limits)
    await evictDurableObject(stub)
    const again = dailyCaps.getByName(`day ${count}`) as unknown as DailyCapClient
    expect(await again.take('a', limits)).toEqual({ isFree: false, remaining: 0 })
    expect(await again.take('b', limits)).toEqual({ isFree: true, remaining: 1 })
  })

  it('keep no address, but a hash under a key of that day alone', async () => {
    const read = async () => {
      const { stub, day } = openDay()
      await day.take('198.51.100.77', limits)
      return runInDurableObject(stub, (_, { storage }) => {
        const [row] = storage.sql.exec<{ hash: ArrayBuffer }>('SELECT hash FROM clients')
        return Buffer.from(row!.hash).toString('hex')
      })
    }
    const [one, other] = [await read(), await read()]
    expect(one).toMatch(/^[0-9a-f]{32}$/)
    expect(one).not.toBe(other)
  })

  it('are forgotten when the day is over', async () => {
    const { stub, day } = openDay()
    await day.take('a', limits)
    await runDurableObjectAlarm(stub)
    const tables = await runInDurableObject(stub, (_, { storage }) => [
      ...storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'clients'"),
    ])
    expect(tables).toEqual([])
  })
})

describe('a UTC day', () => {
  it.each([
    ['2026-11-27T00:00:00.000Z', '2026-11-27', 86_400],
    ['2026-11-27T23:59:59.999Z', '2026-11-27', 1],
    ['2026-11-28T00:00:00.000Z', '2026-11-28', 86_400],
  ])('at %s is %s, and %i s long from then', (time, day, seconds) => {
    expect([dayOf(Date.parse(time)), secondsToMidnight(Date.parse(time))]).toEqual([day, seconds])
  })
})
