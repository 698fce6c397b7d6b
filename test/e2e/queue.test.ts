import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPayer, measureIncome, PRICE, photo, post, sign, v2 } from './kit.ts'

let large: Buffer
beforeAll(async () => {
  // At the limit, so that each keeps the isolate for a while.
  large = await sharp(photo('flower-10mp.jpg')).resize(2000, 2000, { fit: 'cover' }).jpeg({ quality: 90 }).toBuffer()
})

/** So many pictures at once, each paid by another payer. */
async function postAtOnce(count: number) {
  const headers = await Promise.all(Array.from({ length: count }, async () => v2(await sign(await createPayer()))))
  const [income, answers] = await measureIncome(async () => {
    const all = await Promise.all(headers.map((header) => post(large, header)))
    // Whoever waits holds the place until it is read.
    await Promise.all(all.map((answer) => answer.clone().arrayBuffer()))
    return all
  })
  return { headers, income, answers }
}

describe('large pictures at once', () => {
  it('two: both are cut', async () => {
    const { income, answers } = await postAtOnce(2)
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(income).toBe(2n * PRICE)
  })

  it('ten: who finds no place is told when to come again, before money moves; the same payment then buys', async () => {
    const { headers, income, answers } = await postAtOnce(10)
    const good = answers.filter(({ status }) => status === 200)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(good.length).toBeGreaterThan(0)
    expect(refused.length).toBeGreaterThan(0)
    expect(income).toBe(BigInt(good.length) * PRICE)
    for (const answer of refused) {
      expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, expect.any(Number)])
      expect(await answer.json()).toMatchObject({ error: 'processor_unavailable', retryable: true })
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const again = headers[answers.indexOf(refused[0]!)]!
    const [paid, answer] = await measureIncome(() => post(large, again))
    expect([answer.status, paid]).toEqual([200, PRICE])
  })
})
