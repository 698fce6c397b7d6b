import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import type { Claim, Failure, Outcome } from '../../src/payments/ledger-row.ts'
import { type PaidJob, runPaidJob } from '../../src/payments/paid-work.ts'

const receipt = { transaction: '0xabc', network: 'eip155:84532', payer: '0x1', amount: '50000', at: 0 }
const result = { key: 'results/1', status: 200 as const, headers: { 'Content-Type': 'image/png' }, size: 3 }
const settledUntil = (resultUntil: number) => ({ kind: 'settled', receipt, result, resultUntil }) as const
const future = Date.now() + 60_000
const bytes = new Uint8Array([1, 2, 3])
const streamOf = (body: Uint8Array<ArrayBuffer>) => new Response(body).body as ReadableStream<Uint8Array>

/** A job over a ledger and a store that say what a test wants; `seen` is what they were told. */
function createJob(says: {
  claim?: Claim
  settle?: () => Promise<Outcome>
  complete?: boolean
  open?: () => Promise<ReadableStream<Uint8Array> | null>
  put?: () => Promise<void>
  work?: () => Promise<never>
}) {
  const seen = { failed: [] as Failure[], marked: [] as string[], deleted: [] as string[], settled: 0, givenBack: 0 }
  const results = {
    put: says.put ?? (async () => {}),
    open: says.open ?? (async () => streamOf(bytes)),
    delete: async (key: string) => void seen.deleted.push(key),
  }
  const ledger = {
    claim: async () => says.claim ?? { kind: 'work', claimId: 'a' },
    renew: async () => true,
    complete: async () => says.complete ?? true,
    fail: async (_: string, failure: Failure) => {
      seen.failed.push(failure)
      return failure
    },
    settle: async () => {
      seen.settled += 1
      return says.settle ? says.settle() : settledUntil(future)
    },
  }
  const work = says.work ?? (async () => ({ status: 200, headers: result.headers, body: streamOf(bytes) }))
  const job = {
    c: { var: { log: {}, services: { till: { results } } } },
    call: { work, workSeconds: 1 },
    markFailure: (code: string) => void seen.marked.push(code),
    giveProbeBack: () => {
      seen.givenBack += 1
    },
    protocol: { receiptHeaders: () => [['PAYMENT-RESPONSE', 'receipt']] },
    credential: { key: 'x402:1' },
    ledger,
    upload: { size: bytes.length },
  } as unknown as PaidJob
  return { seen, run: () => runPaidJob(job) }
}

describe('a replay', () => {
  it('answers the kept bytes with a receipt, marked', async () => {
    const end = await createJob({ claim: settledUntil(future) }).run()
    if (end.kind !== 'answer') throw new Error(end.reason)
    expect(end.response.headers.get('idempotent-replayed')).toBe('true')
    expect(end.response.headers.get('payment-response')).toBe('receipt')
    expect(new Uint8Array(await end.response.arrayBuffer())).toEqual(bytes)
  })

  it('is 410 from the moment on that the result’s 24 hours are over, even if its bytes are still there', async () => {
    const { run } = createJob({ claim: settledUntil(Date.now()) })
    await expect(run()).rejects.toMatchObject({
      code: 'result_expired',
      options: { details: { transaction: '0xabc' } },
    })
  })

  it('is 503, never 402, when the bytes cannot be read', async () => {
    const { run } = createJob({ claim: settledUntil(future), open: () => Promise.reject(new Error('R2 is down')) })
    await expect(run()).rejects.toMatchObject({ code: 'payment_pending', status: 503 })
  })
})

describe('work', () => {
  it('that gives no result is reported and never settled', async () => {
    const { seen, run } = createJob({ work: () => Promise.reject(new ApiError('no_foreground')) })
    await expect(run()).rejects.toMatchObject({ code: 'no_foreground' })
    expect(seen).toMatchObject({ failed: [{ code: 'no_foreground' }], settled: 0 })
  })

  it('whose result cannot be kept is never settled', async () => {
    const { seen, run } = createJob({ put: () => Promise.reject(new Error('R2 is down')) })
    await expect(run()).rejects.toMatchObject({ code: 'processing_failed' })
    expect(seen).toMatchObject({ failed: [{ code: 'processing_failed' }], settled: 0 })
  })

  it('whose result stops coming is given up after a minute, and never settled', async () => {
    vi.useFakeTimers()
    const silent = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: () => new Promise(() => {}) })
    const work = async () => ({ status: 200, headers: result.headers, body: silent }) as never
    const { seen, run } = createJob({ work })
    const end = expect(run()).rejects.toMatchObject({ code: 'processing_failed' })
    await vi.advanceTimersByTimeAsync(60_000)
    await end
    vi.useRealTimers()
    expect(seen).toMatchObject({ failed: [{ code: 'processing_failed' }], settled: 0 })
  })

  it('whose claim was lost is never settled, and its result is deleted', async () => {
    const { seen, run } = createJob({ complete: false })
    await expect(run()).rejects.toMatchObject({ code: 'payment_in_progress' })
    expect(seen.deleted).toHaveLength(1)
    expect(seen.settled).toBe(0)
  })

  it('whose settlement cannot be asked about is 503 payment_pending: money may have moved', async () => {
    const { run } = createJob({ settle: () => Promise.reject(new Error('the object is gone')) })
    await expect(run()).rejects.toMatchObject({ code: 'payment_pending', status: 503 })
  })
})
