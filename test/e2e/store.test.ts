import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { createCaller, createPayer, decode, measureIncome, photo, post, readReceipt, sign, v2 } from './kit.ts'
import { DAY_MS, get, hoursOfRecords, readError, readHosted, readKeys } from './kit-hosting.ts'
import { createTempoPayer, signMpp } from './kit-mpp.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
})
const priceOf = async (query: string) => {
  const answer = await post(flower, createCaller(), query)
  const { accepts } = (await answer.json()) as { accepts: { maxAmountRequired: string }[] }
  return accepts[0]?.maxAmountRequired
}

describe('POST /v1/remove-background?store', () => {
  it('costs nothing extra for 7 days, and $0.01 for a year', async () => {
    expect([await priceOf(''), await priceOf('?store=7d'), await priceOf('?store=1y')]).toEqual([
      '50000',
      '50000',
      '60000',
    ])
    const refused = await post(flower, createCaller(), '?store=2y')
    expect([refused.status, (await readError(refused)).error]).toEqual([400, 'invalid_request'])
  })

  it.each([
    ['7d', 50_000n, 7, 'public, max-age=604800'],
    ['1y', 60_000n, 365, 'public, max-age=31536000, immutable'],
  ])('=%s answers where the cut-out is, with one payment', async (store, value, days, caching) => {
    const headers = { ...v2(await sign(await createPayer(), { value })), ...createCaller() }
    const [income, [first, again]] = await measureIncome(async () => [
      await post(flower, headers, `?store=${store}`),
      await post(flower, headers, `?store=${store}`),
    ])
    const hosted = await readHosted(first!)
    expect([first!.status, hosted.contentType, income]).toEqual([200, 'image/png', value])
    expect(first!.headers.get('x-model')).toMatch(/^edge-/)
    expect(readReceipt(first!).success).toBe(true)
    expect(Math.abs(Date.parse(hosted.expiresAt) - Date.now() - days * DAY_MS)).toBeLessThan(60_000)
    expect([again!.headers.get('idempotent-replayed'), await readHosted(again!)]).toEqual(['true', hosted])
    expect(hoursOfRecords(await readKeys(), hosted.id)).toEqual([72, days * 24])
    const served = await get(hosted)
    expect(served.headers.get('cache-control')).toBe(caching)
    const bytes = Buffer.from(await served.arrayBuffer())
    expect([bytes.length, (await sharp(bytes).metadata()).hasAlpha]).toEqual([hosted.sizeBytes, true])
    const small = await get(hosted, {}, '?w=32')
    expect((await sharp(Buffer.from(await small.arrayBuffer())).metadata()).width).toBe(32)
  })

  it('buys another thing than the same call without it', async () => {
    const headers = { ...v2(await sign(await createPayer())), ...createCaller() }
    expect((await post(flower, headers, '?store=7d')).status).toBe(200)
    expect((await post(flower, headers)).status).toBe(409)
  })

  it('is not sold for the price without it', async () => {
    const short = v2(await sign(await createPayer()))
    const [income, answer] = await measureIncome(() => post(flower, short, '?store=1y'))
    expect([answer.status, income]).toEqual([402, 0n])
  })

  it('is not sold for a challenge that was made without it, x402 or MPP, nor for what is owed', async () => {
    const challenge = await post(null)
    const { accepts } = decode<{ accepts: { extra: object }[] }>(challenge.headers.get('payment-required'))
    const echoed = v2(await sign(await createPayer()), { extra: accepts[0]!.extra })
    const [nothing, refused] = await measureIncome(() => post(flower, echoed, '?store=1y'))
    expect([refused.status, nothing]).toEqual([402, 0n])
    const mpp = await signMpp(await createTempoPayer(), { challenge })
    expect((await post(flower, mpp, '?store=1y')).status).toBe(402)
    // Collected first, and then the picture is broken: owed is what was paid for.
    const owed = { ...v2(await sign(await createPayer(), { validBefore: 25 })), ...createCaller() }
    expect((await post(flower.subarray(0, flower.length / 2), owed)).status).toBe(400)
    expect((await post(flower, owed, '?store=1y')).status).toBe(409)
    expect((await post(flower, owed)).status).toBe(200)
  })

  it('takes the challenge that was made for it', async () => {
    const challenge = await post(flower, createCaller(), '?store=1y')
    const mpp = await signMpp(await createTempoPayer(), { challenge })
    expect((await post(flower, mpp, '?store=1y')).status).toBe(200)
  })
})
