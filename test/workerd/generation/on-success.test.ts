import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import { begin, give, HOUR_MS, running, says, start, useCleanSlate } from './kit.ts'
import { upstream } from './scripted-upstream.ts'

useCleanSlate()

const authorization = { payment: 'x402:1', result: 'results/1' }
const receipt = [['PAYMENT-RESPONSE', 'abc']] as const
const settled = { kind: 'settled', receipt } as const
const beginUnpaid = (more: Parameters<typeof begin>[0] = {}) => begin(more, authorization)

describe('a job that is paid for on success', () => {
  it('says so, is collected when its output is stored, and hands the receipt over with it', async () => {
    upstream.start = [give('fox')]
    upstream.collected = [settled]
    const { job, step, read } = await beginUnpaid()
    expect(await read()).toMatchObject({ status: 'pending', payment: 'authorized' })
    await step()
    await step()
    expect([await read(), upstream.stored, upstream.collecting]).toEqual([
      expect.objectContaining({ status: 'processing', payment: 'authorized', output: [] }),
      ['fox'],
      [],
    ])
    await step()
    await step()
    const { view, receipt: told } = (await job.read(0))!
    expect([view.status, view.payment, told, upstream.kept]).toEqual(['completed', 'settled', receipt, ['fox']])
    expect([upstream.collecting, upstream.givenBack]).toEqual([[authorization], []])
  })

  it('withholds its output while nobody knows whether it was paid, however late it gets, and collects by its alarm', async () => {
    upstream.start = [give('fox')]
    upstream.collected = [{ kind: 'open' }, { kind: 'open' }, settled]
    const { stub, step, read } = await beginUnpaid()
    for (let i = 0; i < 3; i += 1) await step()
    vi.setSystemTime(start + 400_000)
    await evictDurableObject(stub)
    await step()
    expect(await read()).toMatchObject({ status: 'processing', payment: 'authorized', output: [], progress: 95 })
    expect(upstream.kept).toEqual([])
    await step()
    await step()
    expect(await read()).toMatchObject({ status: 'completed', payment: 'settled', output: [{ sha256: 'fox' }] })
    expect(upstream.asked).toEqual(['start'])
  })

  it('asks ever more rarely about a payment that stays open, and once an hour at least', async () => {
    upstream.start = [give('fox')]
    upstream.collected = [{ kind: 'open' }]
    const { stub, step } = await beginUnpaid()
    await step()
    await step()
    const pause = async (at: number) => {
      vi.setSystemTime(at)
      await step()
      return (await runInDurableObject(stub, (_, { storage }) => storage.getAlarm()))! - at
    }
    for (let i = 0; i < 10; i += 1) expect(await pause(start + i * 60_000)).toBeLessThanOrEqual(30_000)
    expect(await pause(start + 6 * HOUR_MS)).toBe(12 * 60_000)
    expect(await pause(start + 1000 * HOUR_MS)).toBe(HOUR_MS)
  })

  it('whose payer has no money any more fails with payment_failed, and its output is nobody’s', async () => {
    upstream.start = [give('fox')]
    upstream.collected = [{ kind: 'refused' }]
    const { job, step, read } = await beginUnpaid()
    for (let i = 0; i < 4; i += 1) await step()
    const view = await read()
    expect(view).toMatchObject({ status: 'failed', error: 'payment_failed', retryable: false, output: [] })
    expect([view.payment, upstream.kept, (await job.read(0))!.receipt]).toEqual(['not_charged', [], null])
    expect(await job.retry(null)).toEqual({ kind: 'refused' })
  })

  it('that fails gives the payment back, charges nothing, and is not run again free', async () => {
    upstream.start = [says({ kind: 'failed', code: 'content_blocked', message: 'No.', retryable: false })]
    const { job, step, read } = await beginUnpaid()
    await step()
    expect(await read()).toMatchObject({ status: 'failed', error: 'content_blocked', payment: 'not_charged' })
    await step()
    expect([upstream.givenBack, upstream.collecting]).toEqual([[[authorization, true]], []])
    expect(await job.retry('another prompt')).toEqual({ kind: 'refused' })
  })

  it('that fails is the request’s fault only where the same would fail again, or its upstream has worked', async () => {
    const fail = (retryable: boolean) => says({ kind: 'failed', code: 'upstream_failed', message: 'No.', retryable })
    upstream.start = [fail(true), fail(false), give('a white wall')]
    upstream.cut = async () => ({ code: 'upstream_failed', message: 'No foreground.', retryable: true })
    for (const isTransparent of [false, false, true]) {
      const { step, read } = await beginUnpaid({ isTransparent })
      for (let i = 0; i < 4; i += 1) await step()
      expect(await read()).toMatchObject({ status: 'failed', payment: 'not_charged' })
    }
    expect(upstream.givenBack.map(([, isTheirs]) => isTheirs)).toEqual([false, true, true])
  })

  it('that fails, and was paid by the payer’s own hand, is owed', async () => {
    upstream.start = [says({ kind: 'failed', code: 'upstream_failed', message: 'No.', retryable: true }), give('fox')]
    upstream.paidAnyway = receipt
    const { job, step, read } = await beginUnpaid()
    await step()
    expect(await read()).toMatchObject({ payment: 'not_charged', message: 'No. Nothing is charged: send it anew.' })
    await step()
    expect(await read()).toMatchObject({ status: 'failed', payment: 'settled', message: 'No.' })
    expect((await job.retry(null)).kind).toBe('done')
    for (let i = 0; i < 3; i += 1) await step()
    expect(await read()).toMatchObject({ status: 'completed', payment: 'settled' })
    expect(upstream.collecting).toEqual([])
  })

  it('that takes too long gives the payment back', async () => {
    upstream.start = [running]
    const { step, read } = await beginUnpaid()
    await step()
    vi.setSystemTime(start + 300_000)
    await step()
    await step()
    expect([(await read()).error, upstream.givenBack]).toEqual(['timed_out', [[authorization, false]]])
  })

  it('gives the payment back until that has worked', async () => {
    upstream.failing.add('give-back')
    upstream.start = [says({ kind: 'failed', code: 'upstream_failed', message: 'No.', retryable: true })]
    const { step } = await beginUnpaid()
    await step()
    await step()
    expect(upstream.givenBack).toEqual([])
    upstream.failing.clear()
    await step()
    expect(upstream.givenBack).toEqual([[authorization, false]])
  })

  it('that is cancelled in time is not charged', async () => {
    const { job, step, read } = await beginUnpaid()
    expect((await job.cancel()).kind).toBe('done')
    expect(await read()).toMatchObject({ status: 'canceled', payment: 'not_charged' })
    await step()
    expect([upstream.givenBack, upstream.asked]).toEqual([[[authorization, true]], []])
  })

  it('is collected once both pictures are there where the background is removed, too', async () => {
    upstream.start = [give('teapot')]
    upstream.collected = [settled]
    const { step, read } = await beginUnpaid({ isTransparent: true })
    await step()
    await step()
    expect(upstream.collecting).toEqual([])
    for (let i = 0; i < 3; i += 1) await step()
    expect([(await read()).status, upstream.collecting.length, upstream.kept]).toEqual([
      'completed',
      1,
      ['teapot', 'cut'],
    ])
  })
})
