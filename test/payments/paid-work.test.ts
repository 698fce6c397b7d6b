import { describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import { PART_BYTES } from '../../src/parts.ts'
import type { Claim, Failure, Outcome } from '../../src/payments/ledger-row.ts'
import { type PaidJob, runPaidJob } from '../../src/payments/paid-work.ts'
import type { StoredResult } from '../../src/payments/result-store.ts'

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
  handOver?: () => Promise<Response>
  defersSeconds?: number
  write?: (part: Uint8Array) => Promise<void>
}) {
  const seen = {
    ...{ failed: [] as Failure[], marked: [] as string[], deleted: [] as string[], settled: 0, givenBack: 0 },
    ...{ kept: [] as string[], parts: [] as number[], completed: [] as StoredResult[], aborted: 0 },
    ...{ held: [] as string[], letGo: [] as string[] },
  }
  const results = {
    put: says.put ?? (async (key: string) => void seen.kept.push(key)),
    begin: async () => ({
      write: says.write ?? (async (part: Uint8Array) => void seen.parts.push(part.length)),
      finish: async () => {},
      abort: async () => {
        seen.aborted += 1
      },
    }),
    open: says.open ?? (async () => streamOf(bytes)),
    delete: async (key: string) => void seen.deleted.push(key),
  }
  const openStanding = () => ({
    async hold(id: string) {
      seen.held.push(id)
      return { isHeld: true, held: '0' }
    },
    letGo: async (id: string) => void seen.letGo.push(id),
  })
  const ledger = {
    claim: async () => says.claim ?? { kind: 'work', claimId: 'a', due: null },
    renew: async () => true,
    complete: async (_: string, stored: StoredResult) => {
      seen.completed.push(stored)
      return says.complete ?? true
    },
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
    c: { var: { log: {}, services: { till: { results, openStanding } } } },
    call: {
      work,
      workSeconds: 1,
      limitSeconds: 60,
      defersSeconds: says.defersSeconds,
      ...(says.handOver && { handOver: says.handOver }),
    },
    markFailure: (code: string) => void seen.marked.push(code),
    giveProbeBack: () => {
      seen.givenBack += 1
    },
    protocol: {
      receiptHeaders: () => [['PAYMENT-RESPONSE', 'receipt']],
      needsSeconds: (seconds: number) => seconds,
      readBalance: async () => 1_000_000n,
    },
    credential: { key: 'x402:1', validBefore: future / 1000 + 900 },
    ledger,
    upload: { size: bytes.length },
  } as unknown as PaidJob
  return { seen, run: () => runPaidJob(job) }
}

describe('a replay', () => {
  it.each([
    [{ kind: 'authorized', result }, undefined],
    [settledUntil(future), true],
  ] as const)('that cannot be handed over says that its payment is good for it: %j', async (claim, paid) => {
    const error = await createJob({ claim, handOver: () => Promise.reject(new Error('unreachable')) })
      .run()
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      message: expect.stringContaining('with the same payment, or the same Idempotency-Key'),
    })
    expect((error as ApiError).options.details?.paid).toBe(paid)
  })

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

  it('whose result stops coming is given up after its limit, and never settled', async () => {
    vi.useFakeTimers()
    let isCancelled = false
    const silent = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: () => new Promise(() => {}),
      cancel: () => {
        isCancelled = true
      },
    })
    const work = async () => ({ status: 200, headers: result.headers, body: silent }) as never
    const { seen, run } = createJob({ work })
    const end = expect(run()).rejects.toMatchObject({ code: 'processor_unavailable' })
    await vi.advanceTimersByTimeAsync(60_000)
    await end
    vi.useRealTimers()
    expect(seen).toMatchObject({ failed: [{ code: 'processor_unavailable' }], settled: 0 })
    expect([isCancelled, seen.kept]).toEqual([true, []])
  })

  it('that never answers is given up after its limit, and never settled', async () => {
    vi.useFakeTimers()
    const { seen, run } = createJob({ work: () => new Promise<never>(() => {}) })
    const end = expect(run()).rejects.toMatchObject({ code: 'processor_unavailable' })
    await vi.advanceTimersByTimeAsync(60_000)
    await end
    vi.useRealTimers()
    expect(seen).toMatchObject({ failed: [{ code: 'processor_unavailable' }], settled: 0 })
  })

  const chunk = new Uint8Array(1 << 20)
  /** A result of so many megabytes, which breaks off at its end if that is asked for. */
  const workOn = (megabytes: number, breaks = false) => {
    let left = megabytes
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (left > 0) controller.enqueue(chunk)
        else if (breaks) controller.error(new Error('the Container is gone'))
        else controller.close()
        left -= 1
      },
    })
    return async () => ({ status: 200, headers: result.headers, body }) as never
  }

  it('whose result is larger than 5 MB is kept in parts, and answered from the store', async () => {
    const { seen, run } = createJob({ work: workOn(12), open: async () => streamOf(bytes) })
    const end = await run()
    if (end.kind !== 'answer') throw new Error(end.reason)
    expect(seen.parts).toEqual([PART_BYTES, PART_BYTES, 2 << 20])
    expect(seen.completed).toMatchObject([{ size: 12 << 20 }])
    expect(new Uint8Array(await end.response.arrayBuffer())).toEqual(bytes)
  })

  it('whose result is 5 MB and not a byte more is kept in one piece', async () => {
    const { seen, run } = createJob({ work: workOn(5) })
    expect(await run()).toMatchObject({ kind: 'answer' })
    expect(seen.parts).toEqual([])
  })

  it.each([3, 12])('whose result of %d MB breaks off is 503, nothing is kept, never settled', async (megabytes) => {
    const { seen, run } = createJob({ work: workOn(megabytes, true) })
    await expect(run()).rejects.toMatchObject({ code: 'processor_unavailable', status: 503 })
    expect(seen).toMatchObject({ failed: [{ code: 'processor_unavailable' }], settled: 0 })
    expect(seen.aborted).toBe(megabytes > 5 ? 1 : 0)
  })

  it('whose large result cannot be kept is given up part by part, and never settled', async () => {
    const { seen, run } = createJob({ work: workOn(12), write: () => Promise.reject(new Error('R2 is down')) })
    await expect(run()).rejects.toMatchObject({ code: 'processing_failed' })
    expect(seen).toMatchObject({ failed: [{ code: 'processing_failed' }], settled: 0, aborted: 1 })
  })

  it('whose claim was lost holds nothing of what its payer has any more', async () => {
    const claim = { kind: 'work', claimId: 'a', due: { payer: '0x1', amount: '50000' } } as const
    const { seen, run } = createJob({ claim, complete: false, defersSeconds: 60 })
    await expect(run()).rejects.toMatchObject({ code: 'payment_in_progress' })
    expect([seen.held.length, seen.letGo]).toEqual([1, seen.held])
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
