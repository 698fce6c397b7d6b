import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createPayer, measureIncome, PRICE, photo, post, sign, v2 } from '../e2e/kit.ts'
import { shrink } from '../e2e/pictures.ts'
import { type OwnStack, startOwnStack } from './own-stack.ts'

let stack: OwnStack
let flower: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'), 160)
  stack = await startOwnStack()
})
afterAll(() => stack.stop())

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('row 23: work that fails', () => {
  it('because R2 does not keep its result is an error, uncharged; then the same payment buys', async () => {
    const headers = v2(await sign(await createPayer()))
    stack.failStorage(['put'])
    const [nothing, failed] = await measureIncome(() => post(flower, headers))
    stack.failStorage([])
    expect(failed.status).toBe(500)
    expect(await errorOf(failed)).toMatchObject({ error: 'processing_failed', retryable: true })
    const [income, good] = await measureIncome(() => post(flower, headers))
    expect([nothing, good.status, income]).toEqual([0n, 200, PRICE])
  })

  it('because the model had no memory is 503 with Retry-After, uncharged; then the same payment buys', async () => {
    const headers = v2(await sign(await createPayer()))
    stack.failWork({ code: 'processor_unavailable', retryAfter: 3 })
    const [nothing, failed] = await measureIncome(() => post(flower, headers))
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '3'])
    const [income, good] = await measureIncome(() => post(flower, headers))
    expect([nothing, good.status, income]).toEqual([0n, 200, PRICE])
  })
})

describe('row 30: a result that is paid for', () => {
  it('and cannot be read is 503, never 402, and then the same bytes; nothing more is charged', async () => {
    const headers = v2(await sign(await createPayer()))
    const first = await post(flower, headers)
    stack.failStorage(['get'])
    const [income, [hidden, again]] = await measureIncome(async () => {
      const answer = await post(flower, headers)
      stack.failStorage([])
      return [answer, await post(flower, headers)]
    })
    expect([first.status, hidden!.status, again!.status, income]).toEqual([200, 503, 200, 0n])
    expect(await errorOf(hidden!)).toMatchObject({ error: 'payment_pending', retryable: true })
    expect((await bytesOf(again!)).equals(await bytesOf(first))).toBe(true)
  })
})
