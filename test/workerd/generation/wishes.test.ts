import { describe, expect, it, vi } from 'vitest'
import { createGenerationId, type GenerationClient } from '../../../src/generation/generation.ts'
import { begin, give, HOUR_MS, namespace, orderOf, running, says, start, useCleanSlate } from './kit.ts'
import { upstream } from './scripted-upstream.ts'

useCleanSlate()

describe('waiting for a generation', () => {
  it('ends when its status changes', async () => {
    upstream.start = [give('fox')]
    const { job, step } = await begin()
    const waiting = [job.read(60_000), job.read(60_000)]
    // Calls of one caller arrive in their order: both wait by then.
    await job.read(0)
    await step()
    expect((await Promise.all(waiting)).map((reading) => reading?.view.status)).toEqual(['processing', 'processing'])
  })

  it('ends at its time, and at once when nothing will change any more', async () => {
    upstream.start = [give('fox')]
    const { job, step } = await begin()
    expect((await job.read(30))?.view.status).toBe('pending')
    for (let i = 0; i < 3; i += 1) await step()
    expect((await job.read(60_000))?.view.status).toBe('completed')
  })
})

describe('cancelling a generation', () => {
  it('is granted until the upstream was asked', async () => {
    const { job, step, read } = await begin()
    expect(await job.cancel()).toEqual({ kind: 'done', view: await read() })
    expect((await read()).status).toBe('canceled')
    await step()
    expect(upstream.asked).toEqual([])
  })

  it('is refused after that', async () => {
    upstream.start = [running]
    upstream.poll = [give('fox')]
    const { job, step } = await begin()
    for (let i = 0; i < 3; i += 1) {
      await step()
      expect(await job.cancel()).toEqual({ kind: 'refused' })
    }
  })
})

describe('cancelling a generation, in every state', () => {
  const authorization = { payment: 'x402:1', result: 'results/1' }

  it.each([
    ['paid for', null],
    ['paid for on success', authorization],
  ] as const)('%s: refused while it is made, cut, collected, kept, and when it is completed', async (_, how) => {
    upstream.start = [give('fox')]
    const { job, step, read } = await begin({ isTransparent: true }, how)
    const states: string[] = []
    for (let i = 0; i < 5 && states.at(-1) !== 'completed'; i += 1) {
      await step()
      expect(await job.cancel()).toEqual({ kind: 'refused' })
      states.push((await read()).status)
    }
    expect(states.at(-1)).toBe('completed')
    expect(upstream.givenBack).toEqual([])
  })

  it('refused while its upstream is being asked', async () => {
    upstream.start = [
      async (sinks) => {
        await new Promise((resolve) => setTimeout(resolve, 200))
        return give('fox')(sinks)
      },
    ]
    const { job, step } = await begin()
    const stepping = step()
    await vi.waitUntil(() => upstream.asked.length > 0)
    expect([await job.cancel(), upstream.stored]).toEqual([{ kind: 'refused' }, []])
    await stepping
  })

  it('refused once it has failed, and again the same once it is cancelled', async () => {
    upstream.start = [says({ kind: 'failed', code: 'upstream_failed', message: 'No.', retryable: true })]
    const failed = await begin({}, authorization)
    await failed.step()
    expect(await failed.job.cancel()).toEqual({ kind: 'refused' })
    await failed.step()
    expect(await failed.job.cancel()).toEqual({ kind: 'refused' })
    const canceled = await begin({}, authorization)
    const first = await canceled.job.cancel()
    await canceled.step()
    expect([first.kind, await canceled.job.cancel()]).toEqual(['done', first])
    expect(upstream.givenBack).toHaveLength(2)
  })
})

describe('retrying a generation', () => {
  const fail = (code: 'upstream_failed' | 'content_blocked') =>
    says({ kind: 'failed', code, message: 'No.', retryable: true })

  it('runs a failed one again, twice at most', async () => {
    upstream.start = [fail('upstream_failed'), fail('upstream_failed'), fail('upstream_failed')]
    const { job, step, read } = await begin()
    for (let i = 0; i < 2; i += 1) {
      await step()
      expect((await job.retry(null)).kind).toBe('done')
      expect(await read()).toMatchObject({ status: 'pending' })
      expect(await read()).not.toHaveProperty('error')
    }
    await step()
    expect(await job.retry(null)).toEqual({ kind: 'refused' })
  })

  it('of a blocked one wants another prompt, and is granted once', async () => {
    upstream.start = [fail('content_blocked'), fail('content_blocked')]
    const { job, step } = await begin()
    await step()
    expect([await job.retry(null), await job.retry('a fox')]).toEqual([{ kind: 'refused' }, { kind: 'refused' }])
    expect((await job.retry('a cat')).kind).toBe('done')
    await step()
    expect(await job.retry('a dog')).toEqual({ kind: 'refused' })
  })

  it('runs a cancelled one, and none that runs or is completed, nor after 24 hours', async () => {
    upstream.start = [give('fox')]
    const { job, step } = await begin()
    expect(await job.retry(null)).toEqual({ kind: 'refused' })
    await job.cancel()
    expect((await job.retry(null)).kind).toBe('done')
    await step()
    await step()
    expect(await job.retry(null)).toEqual({ kind: 'refused' })
    const late = await begin()
    await late.job.cancel()
    vi.setSystemTime(start + 24 * HOUR_MS + 1)
    expect(await late.job.retry(null)).toEqual({ kind: 'refused' })
  })

  it('counts its day from when it was paid for', async () => {
    const id = createGenerationId()
    const stub = namespace.getByName(id)
    const job = stub as unknown as GenerationClient
    await job.reserve(orderOf(id))
    vi.setSystemTime(start + 23 * HOUR_MS)
    await job.begin(null)
    await job.cancel()
    vi.setSystemTime(start + 40 * HOUR_MS)
    expect((await job.retry(null)).kind).toBe('done')
  })

  it('of no job is unknown', async () => {
    const job = namespace.getByName(createGenerationId()) as unknown as GenerationClient
    expect([await job.retry(null), await job.begin(null)]).toEqual([{ kind: 'unknown' }, null])
  })
})
