import { beforeAll, describe, expect, it } from 'vitest'
import {
  createPayer,
  measureIncome,
  PRICE,
  photo,
  post,
  type SignedPayment,
  sign,
  v1,
  v2,
  watchFacilitator,
} from './kit.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
let lantern: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
  lantern = await shrink(photo('lantern.jpg'))
})

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>
const loud = (hex: string) => `0x${hex.slice(2).toUpperCase()}` as const

/** The same payment with its hexadecimal digits in upper case. */
const shout = ({ authorization, signature }: SignedPayment): SignedPayment => ({
  authorization: { ...authorization, from: loud(authorization.from), nonce: loud(authorization.nonce) },
  signature: loud(signature),
})

describe('row 20: the same payment', () => {
  it('50 times at once, in either envelope and either case: one verify, one settle, one result, one charge', async () => {
    const payment = await sign(await createPayer())
    const forms = [v2(payment), v1(payment), v2(shout(payment)), v1(shout(payment))]
    const [calls, [income, answers]] = await watchFacilitator(() =>
      measureIncome(() => Promise.all(Array.from({ length: 50 }, (_, i) => post(flower, forms[i % 4])))),
    )
    expect(calls).toEqual(['settle', 'verify'])
    expect(income).toBe(PRICE)
    const good = answers.filter(({ status }) => status === 200)
    expect(good.length).toBeGreaterThan(0)
    for (const answer of answers) {
      if (answer.status !== 200) expect(await errorOf(answer)).toMatchObject({ error: 'payment_in_progress' })
    }
    const bytes = await Promise.all(good.map(bytesOf))
    for (const one of bytes) expect(one.equals(bytes[0]!)).toBe(true)
  })

  it('with two bodies at once, 25 times each: one of them is bought, the other is 409', async () => {
    const payment = await sign(await createPayer())
    const [income, answers] = await measureIncome(() =>
      Promise.all(Array.from({ length: 50 }, (_, i) => post(i % 2 ? flower : lantern, v2(payment)))),
    )
    expect(income).toBe(PRICE)
    const good = await Promise.all(answers.filter(({ status }) => status === 200).map(bytesOf))
    expect(good.length).toBeGreaterThan(0)
    for (const one of good) expect(one.equals(good[0]!)).toBe(true)
    const others = await Promise.all(answers.filter(({ status }) => status !== 200).map(errorOf))
    expect(others.map(({ error }) => error)).toContain('payment_already_used')
    for (const { error } of others) expect(['payment_already_used', 'payment_in_progress']).toContain(error)
  })
})
