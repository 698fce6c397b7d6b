import { request } from 'node:http'
import sharp, { type Create } from 'sharp'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  balanceOf,
  createCaller,
  createPayer,
  measureIncome,
  PRICE,
  photo,
  post,
  ROUTE,
  sign,
  stack,
  v2,
} from './kit.ts'
import { createTempoPayer, measureTempoIncome, readTempoBalance, signMpp } from './kit-mpp.ts'
import { shrink } from './pictures.ts'

/** A picture of more than 5 MB that fits the edge: noise around a capsule. */
async function createHeavyPicture(): Promise<Buffer> {
  const noise = {
    width: 1600,
    height: 1200,
    channels: 3,
    background: '#777',
    noise: { type: 'gaussian', mean: 128, sigma: 60 },
  }
  const capsule = await sharp(photo('capsule.jpg')).resize({ width: 900, height: 900, fit: 'fill' }).toBuffer()
  return sharp({ create: noise as Create })
    .composite([{ input: capsule, left: 350, top: 150 }])
    .png({ compressionLevel: 1 })
    .toBuffer()
}

interface SlowUpload {
  /** The answer, once `finish` was called. */
  readonly answer: Promise<{ status: number; json: Record<string, unknown>; bytes: Buffer }>
  /** Sends the rest of the body; with `broken` it is cut short. */
  finish(rest: Uint8Array): void
}

/** Begins a request and holds the rest of its body back. Without `length` it does not say how much will come. */
function uploadSlowly(headers: Record<string, string>, head: Uint8Array, length?: number): SlowUpload {
  const sent = request(`${stack.gateway}${ROUTE}`, {
    method: 'POST',
    agent: false,
    headers: { 'Content-Type': 'image/png', ...(length && { 'Content-Length': String(length) }), ...headers },
  })
  const answer = new Promise<Awaited<SlowUpload['answer']>>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (got) => {
      const chunks: Buffer[] = []
      got.on('data', (chunk: Buffer) => chunks.push(chunk))
      got.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const json = got.headers['content-type']?.includes('json') ? JSON.parse(bytes.toString()) : {}
        resolve({ status: got.statusCode ?? 0, json, bytes })
      })
    })
  })
  sent.write(head)
  return { answer, finish: (rest) => sent.end(rest) }
}

let heavy: Buffer
let small: Buffer
/** Enough for the free checks, so that the payment is judged. */
const HEAD = 200_000
beforeAll(async () => {
  heavy = await createHeavyPicture()
  small = await shrink(photo('lantern.jpg'))
})

describe('a body above 5 MB', () => {
  it('is worked on, replayed, and told from another by its bytes', async () => {
    expect(heavy.length).toBeGreaterThan(5 * 1024 * 1024)
    const payment = v2(await sign(await createPayer()))
    const other = Buffer.from(heavy)
    other[other.length - 20]! ^= 1
    const [income, answers] = await measureIncome(async () => [
      await post(heavy, payment, '', 'image/png'),
      await post(heavy, payment, '', 'image/png'),
      await post(other, payment, '', 'image/png'),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 409])
    const [first, again] = await Promise.all(
      answers.slice(0, 2).map(async (one) => Buffer.from(await one.arrayBuffer())),
    )
    expect(again!.equals(first!)).toBe(true)
    expect(income).toBe(PRICE)
  })
})

describe('row 28: an upload that would eat up its payment’s time', () => {
  it('has an x402 payment collected meanwhile, and is then worked on free', async () => {
    const payer = await createPayer()
    // 30 seconds must be left when the work is done.
    const upload = uploadSlowly(v2(await sign(payer, { validBefore: 33 })), heavy.subarray(0, HEAD), heavy.length)
    await vi.waitUntil(async () => (await balanceOf(payer.address)) === 400_000n - PRICE, { timeout: 10_000 })
    upload.finish(heavy.subarray(HEAD))
    expect((await upload.answer).status).toBe(200)
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })

  it('has an MPP payment collected before its 25 seconds are over', async () => {
    const payer = await createTempoPayer()
    const before = await readTempoBalance(stack.tempoPayTo)
    const upload = uploadSlowly({ ...(await signMpp(payer)), ...createCaller() }, heavy.subarray(0, HEAD), heavy.length)
    await vi.waitUntil(async () => (await readTempoBalance(stack.tempoPayTo)) === before + PRICE, { timeout: 20_000 })
    const [income, answer] = await measureTempoIncome(() => {
      upload.finish(heavy.subarray(HEAD))
      return upload.answer
    })
    expect([answer.status, income]).toEqual([200, 0n])
  })

  it('that turns out too large after the payment was collected is owed: 413 with paid and owed_until', async () => {
    const payer = await createPayer()
    const headers = { ...v2(await sign(payer, { validBefore: 32 })), ...createCaller() }
    const upload = uploadSlowly(headers, heavy.subarray(0, HEAD))
    await vi.waitUntil(async () => (await balanceOf(payer.address)) === 400_000n - PRICE, { timeout: 10_000 })
    upload.finish(Buffer.alloc(25 * 1024 * 1024))
    const refused = await upload.answer
    expect(refused.status).toBe(413)
    expect(refused.json).toMatchObject({ error: 'image_too_large', paid: true, owed_until: expect.any(String) })
    expect((await post(small, headers)).status).toBe(200)
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })

  it('whose picture is broken, after the payment was collected, is owed, and another picture is free', async () => {
    const payer = await createPayer()
    const headers = { ...v2(await sign(payer, { validBefore: 32 })), ...createCaller() }
    const upload = uploadSlowly(headers, heavy.subarray(0, HEAD), HEAD + 1)
    await vi.waitUntil(async () => (await balanceOf(payer.address)) === 400_000n - PRICE, { timeout: 10_000 })
    upload.finish(heavy.subarray(HEAD, HEAD + 1))
    const broken = await upload.answer
    expect(broken.status).toBe(400)
    expect(broken.json).toMatchObject({ error: 'invalid_image', paid: true, owed_until: expect.any(String) })
    const good = await post(small, headers)
    expect(good.status).toBe(200)
    expect(await balanceOf(payer.address)).toBe(400_000n - PRICE)
  })
})
