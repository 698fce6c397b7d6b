import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  balanceOf,
  createCaller,
  createPayer,
  measureIncome,
  PRICE,
  photo,
  post,
  ROUTE,
  readFacilitatorLog,
  sign,
  stack,
  v2,
} from './kit.ts'
import { shrink } from './pictures.ts'
import { sendHeadOnly } from './raw-request.ts'
import { createFetch } from './stock-clients.ts'

let tiny: Buffer
let wall: Buffer
beforeAll(async () => {
  tiny = await shrink(photo('capsule.jpg'), 160)
  wall = await sharp({ create: { width: 160, height: 160, channels: 3, background: '#777' } })
    .png()
    .toBuffer()
})

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>
const count = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length

describe('unpaid requests', () => {
  it('above 30 a minute from one address answer 429 rate_limited; a paid call from there is served', async () => {
    const caller = createCaller()
    const answers = await Promise.all(Array.from({ length: 70 }, () => post(null, caller)))
    // A minute may end meanwhile, and then another 30 are answered.
    const statuses = answers.map(({ status }) => status)
    expect(count(statuses, 402) + count(statuses, 429)).toBe(70)
    expect(count(statuses, 429)).toBeGreaterThanOrEqual(10)
    const limited = answers.find(({ status }) => status === 429)!
    expect(limited.headers.get('retry-after')).toBe('60')
    expect(await errorOf(limited)).toMatchObject({ error: 'rate_limited', retryable: true })
    expect((await post(tiny, { ...v2(await sign(await createPayer())), ...caller })).status).toBe(200)
    expect((await post(null, createCaller())).status).toBe(402)
  })

  it('count refused credentials and failed replays too', async () => {
    const [thief, poor, victim] = [createCaller(), await createPayer(0n), await sign(await createPayer())]
    await post(tiny, v2(victim))
    const statuses: number[] = []
    for (let i = 0; i < 35; i += 1) {
      statuses.push((await post(tiny, { ...v2(await sign(poor)), ...thief })).status)
      statuses.push((await post(tiny, { ...v2(victim), ...thief })).status)
    }
    expect(count(statuses, 402)).toBeGreaterThan(0)
    expect(count(statuses, 409)).toBeGreaterThan(0)
    expect(count(statuses, 429)).toBeGreaterThanOrEqual(10)
    expect(count(statuses, 402) + count(statuses, 409) + count(statuses, 429)).toBe(70)
  })

  it('are not counted for what is free', async () => {
    const caller = createCaller()
    const paths = Array.from({ length: 40 }, () => '/openapi.json')
    const answers = await Promise.all(paths.map((path) => fetch(stack.gateway + path, { headers: caller })))
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200))
  })

  it('row 26: 50 stock paid calls in a row from one address never feel the limit', async () => {
    const fetchPaid = createFetch(await createPayer(2_500_000n))
    const headers = { 'Content-Type': 'image/jpeg', ...createCaller() }
    const statuses: number[] = []
    const [income] = await measureIncome(async () => {
      for (let i = 0; i < 50; i += 1) {
        statuses.push((await fetchPaid(stack.gateway + ROUTE, { method: 'POST', body: tiny, headers })).status)
      }
    })
    expect(statuses).toEqual(Array(50).fill(200))
    expect(income).toBe(50n * PRICE)
  })
})

describe('row 24: work that fails without being charged', () => {
  it('is 422 for one payment four times, and 429 too_many_failures above 20 an hour for one payer', async () => {
    const payer = await createPayer()
    const payment = v2(await sign(payer))
    const postWall = (headers: Record<string, string>) => post(wall, { ...headers, ...createCaller() }, '', 'image/png')
    const statuses: number[] = []
    for (let i = 0; i < 4; i += 1) statuses.push((await postWall(payment)).status)
    expect(statuses).toEqual([422, 422, 422, 422])
    let last = await postWall(payment)
    // Failures are counted after the answer: the last one may slip through.
    for (let i = 5; i < 25 && last.status === 422; i += 1) last = await postWall(v2(await sign(payer)))
    expect(last.status).toBe(429)
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(3_000)
    expect(await errorOf(last)).toMatchObject({ error: 'too_many_failures', retryable: true })
    expect(await balanceOf(payer.address)).toBe(400_000n)
  })

  it('is counted for an address too, whoever pays', async () => {
    const caller = createCaller()
    const broken = tiny.subarray(0, tiny.length / 2)
    let last: Response | undefined
    for (let i = 0; i < 25 && last?.status !== 429; i += 1) {
      last = await post(broken, { ...v2(await sign(await createPayer(PRICE))), ...caller })
    }
    expect(await errorOf(last!)).toMatchObject({ error: 'too_many_failures' })
    const payment = v2(await sign(await createPayer(PRICE)))
    expect((await post(tiny, { ...payment, ...caller })).status).toBe(429)
    expect((await post(tiny, { ...payment, ...createCaller() })).status).toBe(200)
  })
})

describe('an owed call of a payer with too many failures', () => {
  it('waits like any other, and is not lost by it', async () => {
    const payer = await createPayer()
    const broken = tiny.subarray(0, tiny.length / 2)
    const owed = { ...v2(await sign(payer, { validBefore: 25 })), ...createCaller() }
    expect(await errorOf(await post(broken, owed))).toMatchObject({ paid: true })
    let last: Response | undefined
    for (let i = 0; i < 25 && last?.status !== 429; i += 1) last = await post(broken, owed)
    expect(await errorOf(last!)).toMatchObject({ error: 'too_many_failures' })
    const headers = { Authorization: `Bearer ${stack.adminToken}` }
    const { payments } = (await (await fetch(`${stack.gateway}/admin/payments`, { headers })).json()) as {
      payments: { payer: string; state: string }[]
    }
    expect(payments.filter(({ payer: who }) => who === payer.address)).toMatchObject([{ state: 'owed' }])
    expect(await balanceOf(payer.address)).toBe(350_000n)
  })
})

describe('row 25: 200 unfunded credentials with bodies of 25 MB', () => {
  it('answers each without the rest of its body, works for none and asks 20 times a second at most', async () => {
    const head = Buffer.concat([tiny, Buffer.alloc(64 * 1024)]).subarray(0, 64 * 1024)
    const poor = await createPayer(0n)
    const headers = await Promise.all(
      Array.from({ length: 200 }, async () => ({
        'Content-Type': 'image/jpeg',
        ...createCaller(),
        ...v2(await sign(poor)),
      })),
    )
    const before = (await readFacilitatorLog()).length
    const answers = await Promise.all(
      headers.map((one) => sendHeadOnly(ROUTE, { headers: one, head, length: 25 * 1024 * 1024 })),
    )
    for (const { status, error } of answers) {
      expect([402, 429, 503]).toContain(status)
      if (status === 503) expect(error).toBe('payment_unavailable')
    }
    const calls = (await readFacilitatorLog()).slice(before)
    expect(calls.map(({ op }) => op)).not.toContain('settle')
    expect(calls.length).toBeGreaterThan(0)
    const seconds = (calls.at(-1)!.at - calls[0]!.at) / 1000
    // Who counts stands before the network: a second's worth may arrive a little late.
    expect(calls.length).toBeLessThanOrEqual(20 * (seconds + 2))
  })
})
