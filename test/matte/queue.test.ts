import { describe, expect, test } from 'vitest'
import { type Place, Queue } from '../../workers/matte/queue.ts'

/** A queue on a clock that moves only by `pass`. */
function createQueue(options: Partial<{ maxWaiting: number; maxWaitingBytes: number }> = {}) {
  let time = 0
  let sleepers: { until: number; wake: () => void }[] = []
  const queue = new Queue({
    maxWaiting: 2,
    maxWaitingBytes: 1000,
    patience: 10_000,
    interval: 25,
    lease: 5_000,
    now: () => time,
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.push({ until: time + ms, wake })
      }),
    ...options,
  })
  const settle = async () => {
    for (let i = 0; i < 10; i += 1) await Promise.resolve()
  }
  const pass = async (ms: number, step = 25) => {
    for (const end = time + ms; time < end; ) {
      time = Math.min(end, time + step)
      const due = sleepers.filter(({ until }) => until <= time)
      sleepers = sleepers.filter(({ until }) => until > time)
      for (const { wake } of due) wake()
      await settle()
    }
  }
  /** Forgets everyone who sleeps, as the runtime forgets a request whose client hung up. */
  const killSleepers = () => {
    sleepers = []
  }
  return { queue, pass, settle, killSleepers }
}

/** What a caller has got so far. */
function watch(entering: Promise<Place | null>): { got: Place | null | 'waits' } {
  const state: { got: Place | null | 'waits' } = { got: 'waits' }
  entering.then((place) => {
    state.got = place
  })
  return state
}

const isPlace = (got: Place | null | 'waits'): got is Place => got !== null && got !== 'waits'

describe('one at a time', () => {
  test('the first works at once, the second when the first has left', async () => {
    const { queue, pass, settle } = createQueue()
    const first = await queue.enter(1)
    const second = watch(queue.enter(1))
    await pass(1000)
    expect(second.got).toBe('waits')
    first?.leave()
    await pass(50)
    expect(isPlace(second.got)).toBe(true)
    await settle()
  })

  test('in the order of arrival', async () => {
    const { queue, pass } = createQueue()
    const first = await queue.enter(1)
    const [second, third] = [watch(queue.enter(1)), watch(queue.enter(1))]
    first?.leave()
    await pass(100)
    expect([isPlace(second.got), third.got]).toEqual([true, 'waits'])
    if (isPlace(second.got)) second.got.leave()
    await pass(100)
    expect(isPlace(third.got)).toBe(true)
  })

  test('also after a picture that kept everybody from looking for two seconds', async () => {
    const { queue, pass } = createQueue()
    const first = await queue.enter(1)
    const [second, third] = [watch(queue.enter(1)), watch(queue.enter(1))]
    await pass(2000, 2000)
    first?.leave()
    await pass(100)
    expect([isPlace(second.got), third.got]).toEqual([true, 'waits'])
  })

  test('whoever comes while others wait does not pass them', async () => {
    const { queue, pass } = createQueue()
    const first = await queue.enter(1)
    const second = watch(queue.enter(1))
    first?.leave()
    const third = watch(queue.enter(1))
    await pass(50)
    expect([isPlace(second.got), third.got]).toEqual([true, 'waits'])
  })
})

describe('the rest is refused', () => {
  test('when two wait', async () => {
    const { queue } = createQueue()
    await queue.enter(1)
    const waiting = [watch(queue.enter(1)), watch(queue.enter(1))]
    expect(await queue.enter(1)).toBeNull()
    expect(waiting.map(({ got }) => got)).toEqual(['waits', 'waits'])
  })
  test('when those who wait would hold too many bytes', async () => {
    const { queue } = createQueue()
    await queue.enter(5000)
    const waiting = watch(queue.enter(600))
    expect(await queue.enter(401)).toBeNull()
    expect(waiting.got).toBe('waits')
  })
  test('after waiting too long, and then its place in the line is free', async () => {
    const { queue, pass } = createQueue({ maxWaiting: 1 })
    const first = await queue.enter(1)
    const second = watch(queue.enter(1))
    for (let i = 0; i < 11; i += 1) {
      await pass(1000)
      first?.renew()
    }
    expect(second.got).toBeNull()
    const third = watch(queue.enter(1))
    first?.leave()
    await pass(50)
    expect(isPlace(third.got)).toBe(true)
  })
})

describe('the dead never block the living', () => {
  test('a place without a sign of life is lost after its lease, and let go of once', async () => {
    const { queue, pass } = createQueue()
    const dead = await queue.enter(1)
    let released = 0
    dead?.whenLost(() => released++)
    const next = watch(queue.enter(1))
    await pass(4_900)
    expect([next.got, released]).toEqual(['waits', 0])
    await pass(200)
    expect([isPlace(next.got), released]).toEqual([true, 1])
    expect(dead?.renew()).toBe(false)
    dead?.leave()
    expect(isPlace(next.got) && next.got.renew()).toBe(true)
    expect(released).toBe(1)
  })

  test('signs of life keep it', async () => {
    const { queue, pass } = createQueue()
    const first = await queue.enter(1)
    const second = watch(queue.enter(1))
    for (let i = 0; i < 4; i += 1) {
      await pass(2000)
      expect(first?.renew()).toBe(true)
    }
    expect(second.got).toBe('waits')
  })

  test('without another who wants it nobody loses it', async () => {
    const { queue, pass } = createQueue()
    const first = await queue.enter(1)
    await pass(60_000)
    expect(first?.renew()).toBe(true)
  })

  test('one who dies in the line gives way', async () => {
    const { queue, pass, killSleepers } = createQueue()
    const first = await queue.enter(1)
    watch(queue.enter(1))
    killSleepers()
    await pass(2600)
    first?.renew()
    await pass(2600)
    const next = watch(queue.enter(1))
    first?.leave()
    await pass(50)
    expect(isPlace(next.got)).toBe(true)
  })

  test('leaving twice does not give away the place of the next', async () => {
    const { queue, pass } = createQueue()
    const first = await queue.enter(1)
    const second = watch(queue.enter(1))
    first?.leave()
    await pass(50)
    first?.leave()
    const third = watch(queue.enter(1))
    await pass(100)
    expect([isPlace(second.got), third.got]).toEqual([true, 'waits'])
  })
})
