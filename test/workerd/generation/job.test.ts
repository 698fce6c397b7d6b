import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { createGenerationId, type GenerationClient, generationIdPattern } from '../../../src/generation/generation.ts'
import { begin, give, HOUR_MS, namespace, orderOf, running, says, start, useCleanSlate } from './kit.ts'
import { upstream } from './scripted-upstream.ts'

useCleanSlate()

/** Sizes of what the job keeps of outputs that are not stored. */
const listSpool = (stub: DurableObjectStub): Promise<number[]> =>
  runInDurableObject(stub, (_, { storage }) =>
    [...storage.kv.list<Uint8Array>({ prefix: 'spool/' })].map(([, piece]) => piece.byteLength),
  )

describe('a generation', () => {
  it('has an id of 128 random bits', () => {
    expect(createGenerationId()).toMatch(generationIdPattern)
    expect(createGenerationId()).not.toBe(createGenerationId())
  })

  it('that is not paid for does nothing, and nobody can ask about it', async () => {
    const id = createGenerationId()
    const stub = namespace.getByName(id)
    const job = stub as unknown as GenerationClient
    await job.reserve(orderOf(id))
    await runDurableObjectAlarm(stub)
    expect([await job.read(0), await job.cancel(), upstream.asked]).toEqual([null, { kind: 'unknown' }, []])
  })

  it('of a synchronous upstream completes, with one call and kept outputs', async () => {
    upstream.start = [give('fox')]
    const { id, job, step, read } = await begin()
    expect(await read()).toEqual({
      id,
      model: 'nano-banana-2',
      status: 'pending',
      progress: 0,
      output: [],
      created_at: '2040-11-27T12:00:00.000Z',
      expires_at: '2041-11-27T12:00:00.000Z',
    })
    await step()
    expect(await read()).toMatchObject({ status: 'processing', output: [] })
    await step()
    await step()
    expect(await read()).toMatchObject({
      status: 'completed',
      progress: 100,
      output: [{ url: 'https://i.test/fox', type: 'image/jpeg', width: 16, height: 9, sha256: 'fox' }],
    })
    expect([upstream.asked, upstream.kept, await job.begin(null)]).toEqual([['start'], ['fox'], await read()])
  })

  it('of an asynchronous one is polled until it is done; progress never falls', async () => {
    const at = (progress: number) => says({ kind: 'running', operation: 'op-1', progress })
    upstream.start = [at(40)]
    upstream.poll = [at(10), at(60), give('clip')]
    const { step, read } = await begin()
    const seen: number[] = []
    for (let i = 0; i < 5; i += 1) {
      await step()
      seen.push((await read()).progress)
    }
    expect([upstream.asked, seen.at(-1)]).toEqual([['start', 'poll', 'poll', 'poll'], 100])
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })

  it('stores what counts, and throws drafts away', async () => {
    upstream.start = [
      async (sinks) => {
        await (await sinks.open()).write(new Uint8Array(9))
        return give('last')(sinks)
      },
    ]
    const { stub, step } = await begin()
    await step()
    expect(await listSpool(stub)).toEqual([4])
    await step()
    expect([upstream.stored, await listSpool(stub)]).toEqual([['last'], []])
  })

  it('of an operation stores what counts, and throws drafts away', async () => {
    upstream.start = [running]
    upstream.poll = [
      async (sinks) => {
        await sinks.open()
        return give('last')(sinks)
      },
    ]
    const { step } = await begin()
    await step()
    await step()
    expect([upstream.stored, upstream.aborted]).toEqual([['last'], 1])
  })

  it('asks again what nobody answered, ever more rarely', async () => {
    const lost = says({ kind: 'unavailable', cause: 'no route', retryAfterMs: null })
    upstream.start = [lost, lost, running]
    upstream.poll = [lost, give('fox')]
    const { step, read } = await begin()
    for (let i = 0; i < 6; i += 1) await step()
    expect(await read()).toMatchObject({ status: 'completed' })
  })

  it('fails as the upstream says, and tells why', async () => {
    upstream.start = [says({ kind: 'failed', code: 'content_blocked', message: 'No.', retryable: false })]
    const { step, read } = await begin()
    await step()
    expect(await read()).toMatchObject({ status: 'failed', error: 'content_blocked', message: 'No.', retryable: false })
  })

  it('fails when its time is over, whatever it waits for', async () => {
    upstream.start = [running]
    const { step, read } = await begin()
    await step()
    vi.setSystemTime(start + 300_000)
    await step()
    expect(await read()).toMatchObject({ status: 'failed', error: 'timed_out', retryable: true })
    expect(upstream.asked).toEqual(['start'])
  })

  it('whose output cannot be stored is stored later, however late, without asking the upstream again', async () => {
    upstream.start = [give('fox')]
    upstream.failing.add('finish')
    const { stub, step, read } = await begin()
    for (let i = 0; i < 3; i += 1) await step()
    vi.setSystemTime(start + 400_000)
    await evictDurableObject(stub)
    await step()
    expect([await read(), upstream.aborted]).toEqual([expect.objectContaining({ status: 'processing', output: [] }), 3])
    upstream.failing.clear()
    await step()
    await step()
    expect([(await read()).status, upstream.asked, upstream.stored]).toEqual(['completed', ['start'], ['fox']])
  })

  it('of an operation whose end is heard of twice stores its output once more, and completes once', async () => {
    upstream.start = [running]
    upstream.poll = [give('clip'), give('clip')]
    upstream.failing.add('finish')
    const { step, read } = await begin()
    await step()
    await step()
    upstream.failing.clear()
    await step()
    await step()
    expect([(await read()).status, upstream.asked]).toEqual(['completed', ['start', 'poll', 'poll']])
    expect([upstream.stored, upstream.kept]).toEqual([['clip'], ['clip']])
  })

  it('whose upstream took the task and knows nothing of it any more fails, and may be retried', async () => {
    upstream.start = [running, running]
    upstream.poll = [says({ kind: 'failed', code: 'upstream_failed', message: 'Lost.', retryable: true }), give('clip')]
    const { job, step, read } = await begin()
    await step()
    await step()
    expect(await read()).toMatchObject({ status: 'failed', error: 'upstream_failed', retryable: true })
    expect((await job.retry(null)).kind).toBe('done')
    for (let i = 0; i < 3; i += 1) await step()
    expect([(await read()).status, upstream.asked]).toEqual(['completed', ['start', 'poll', 'start', 'poll']])
  })

  it('stores large outputs piece by piece, in order', async () => {
    const pieces = Array.from({ length: 12 }, (_, i) => String.fromCharCode(97 + i).repeat(200_000))
    upstream.start = [
      async (sinks) => {
        const sink = await sinks.open()
        for (const piece of pieces) await sink.write(new TextEncoder().encode(piece))
        return { kind: 'completed', outputs: [sink] }
      },
    ]
    const { step } = await begin()
    await step()
    await step()
    expect(upstream.stored).toEqual([pieces.join('')])
  })

  it('keeps what comes in crumbs, or all at once, in values that storage takes', async () => {
    const text = 'abcdefghij'.repeat(220_000)
    upstream.start = [
      async (sinks) => {
        const sink = await sinks.open()
        for (let at = 0; at < 1000; at += 10) await sink.write(new TextEncoder().encode(text.slice(at, at + 10)))
        await sink.write(new TextEncoder().encode(text.slice(1000)))
        return { kind: 'completed', outputs: [sink] }
      },
    ]
    const { stub, step } = await begin()
    await step()
    expect(await listSpool(stub)).toEqual([1 << 20, 1 << 20, text.length - (2 << 20)])
    await step()
    expect(upstream.stored).toEqual([text])
  })

  it('whose output is neither picture nor video fails, and may be retried', async () => {
    upstream.start = [give('fox')]
    upstream.failing.add('bad')
    const { stub, step, read } = await begin()
    await step()
    await step()
    expect(await read()).toMatchObject({ status: 'failed', error: 'upstream_failed', retryable: true })
    expect(await listSpool(stub)).toEqual([])
  })

  it('whose upstream was asked when its object died asks once more, and no more', async () => {
    const dies = () => Promise.reject(new Error('the object is gone'))
    upstream.start = [dies, dies, give('fox')]
    const { step, read } = await begin()
    for (let i = 0; i < 8; i += 1) await step()
    expect([(await read()).status, upstream.asked]).toEqual(['failed', ['start', 'start']])
  })

  it('whose upstream cannot be asked about its operation is asked about again, as often as there is time', async () => {
    const lost = says({ kind: 'unavailable', cause: '502', retryAfterMs: null, mayHaveBegun: true })
    upstream.start = [running]
    upstream.poll = [lost, lost, lost, lost, give('clip')]
    const { step, read } = await begin()
    for (let i = 0; i < 7; i += 1) await step()
    expect([(await read()).status, upstream.asked[0], upstream.asked.length]).toEqual(['completed', 'start', 6])
  })

  it('that is made when its time is over is kept all the same', async () => {
    upstream.start = [give('fox')]
    const { step, read } = await begin()
    await step()
    vi.setSystemTime(start + 400_000)
    await step()
    await step()
    expect((await read()).status).toBe('completed')
  })

  it('fails when its upstream is not configured any more', async () => {
    const { step, read } = await begin({ provider: 'gone' })
    await step()
    expect(await read()).toMatchObject({ status: 'failed', error: 'upstream_failed' })
  })

  it.each([
    ['synchronous', false, null],
    ['asynchronous', false, null],
    ['synchronous', true, null],
    ['asynchronous', true, { payment: 'x402:1', result: 'results/1' }],
    ['synchronous', false, { payment: 'x402:1', result: 'results/1' }],
  ] as const)(
    'goes on after a restart at every step (%s, transparent: %s, payment: %j)',
    async (kind, isTransparent, authorization) => {
      upstream.start = [kind === 'synchronous' ? give('fox') : running]
      upstream.poll = [running, give('fox')]
      const { stub, step, read } = await begin({ isTransparent }, authorization)
      const seen: number[] = []
      for (let i = 0; i < 8 && (await read()).status !== 'completed'; i += 1) {
        await evictDurableObject(stub)
        await step()
        seen.push((await read()).progress)
      }
      expect(await read()).toMatchObject({ status: 'completed', progress: 100 })
      expect(seen).toEqual(seen.toSorted((a, b) => a - b))
      expect(upstream.asked.filter((call) => call === 'start')).toHaveLength(1)
      expect([upstream.stored, upstream.collecting.length]).toEqual([['fox'], authorization ? 1 : 0])
    },
  )

  it('whose outputs cannot be kept is kept later, without asking the upstream again', async () => {
    upstream.start = [give('fox')]
    const { step, read } = await begin()
    await step()
    await step()
    upstream.failing.add('keep')
    await step()
    expect((await read()).status).toBe('processing')
    upstream.failing.clear()
    await step()
    expect([(await read()).status, upstream.asked]).toEqual(['completed', ['start']])
  })

  it('has the background of its picture removed where that was paid for', async () => {
    upstream.start = [give('teapot')]
    const { step, read } = await begin({ isTransparent: true })
    for (let i = 0; i < 4; i += 1) await step()
    const { status, output } = await read()
    expect([status, output.map(({ type }) => type), upstream.kept]).toEqual([
      'completed',
      ['image/jpeg', 'image/png'],
      ['teapot', 'cut'],
    ])
  })

  it('is forgotten after a year', async () => {
    upstream.start = [give('fox')]
    const { job, step } = await begin()
    for (let i = 0; i < 3; i += 1) await step()
    vi.setSystemTime(start + 365 * 24 * HOUR_MS)
    await step()
    expect(await job.read(0)).toBeNull()
  })
})
