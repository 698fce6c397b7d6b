import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Budget, type Room } from '../../workers/container/budget.ts'

const never = new AbortController().signal
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Asks for room; `now` is what came of it so far. */
function ask(budget: Budget, cost: number, signal = never) {
  const asked: { now: Room | null | 'waits' } = { now: 'waits' }
  void budget.enter(cost, signal).then((room) => {
    asked.now = room
  })
  return asked
}
const settle = () => vi.advanceTimersByTimeAsync(0)
const create = (changes = {}) => new Budget({ bytes: 100, maxWaiting: 2, patience: 1000, ...changes })
const isRoom = expect.objectContaining({ leave: expect.any(Function) })

describe('a budget', () => {
  it('lets pictures in up to the last byte, and none above', async () => {
    const budget = create()
    const [one, other, third] = [ask(budget, 60), ask(budget, 40), ask(budget, 1)]
    await settle()
    expect([one.now, other.now, third.now]).toEqual([isRoom, isRoom, 'waits'])
    expect(budget.state).toEqual({ bytes: 100, used: 100, waiting: 1 })
  })

  it('lets the next in when there is room for it, in order: a small one does not overtake', async () => {
    const budget = create()
    const [one, large, small] = [ask(budget, 60), ask(budget, 50), ask(budget, 10)]
    await settle()
    expect([large.now, small.now]).toEqual(['waits', 'waits'])
    ;(one.now as Room).leave()
    await settle()
    expect([large.now, small.now]).toEqual([isRoom, isRoom])
  })

  it('gives room back once, however often it is left', async () => {
    const budget = create()
    const one = ask(budget, 60)
    await settle()
    ;(one.now as Room).leave()
    ;(one.now as Room).leave()
    expect(budget.state.used).toBe(0)
  })

  it('lets one that costs more than there is in alone', async () => {
    const budget = create()
    const small = ask(budget, 1)
    const huge = ask(budget, Infinity)
    await settle()
    expect(huge.now).toBe('waits')
    ;(small.now as Room).leave()
    const next = ask(budget, 1)
    await settle()
    expect([huge.now, next.now, budget.state.used]).toEqual([isRoom, 'waits', 100])
  })

  it('refuses at once when too many wait', async () => {
    const budget = create()
    ask(budget, 100)
    const waiting = [ask(budget, 1), ask(budget, 1)]
    const refused = ask(budget, 1)
    await settle()
    expect([...waiting.map(({ now }) => now), refused.now]).toEqual(['waits', 'waits', null])
  })

  it('refuses one that waited too long, and lets the next have its turn', async () => {
    const budget = create()
    ask(budget, 60)
    const large = ask(budget, 50)
    await vi.advanceTimersByTimeAsync(500)
    const small = ask(budget, 40)
    await vi.advanceTimersByTimeAsync(500)
    expect([large.now, small.now]).toEqual([null, isRoom])
  })

  it('forgets one whose client hung up, and lets the next have its turn', async () => {
    const budget = create()
    const client = new AbortController()
    ask(budget, 60)
    const gone = ask(budget, 50, client.signal)
    const small = ask(budget, 40)
    await settle()
    client.abort()
    await settle()
    expect([gone.now, small.now, budget.state.waiting]).toEqual([null, isRoom, 0])
  })

  it('has no room for one whose client is gone already', async () => {
    const gone = ask(create(), 1, AbortSignal.abort())
    await settle()
    expect(gone.now).toBeNull()
  })
})
