import { beforeAll, describe, expect, it } from 'vitest'
import {
  createPayer,
  decode,
  measureIncome,
  PRICE,
  photo,
  post,
  ROUTE,
  readLogs,
  readReceipt,
  sign,
  stack,
  v1,
  v2,
} from './kit.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
let lantern: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
  lantern = await shrink(photo('lantern.jpg'))
})

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const isReplay = ({ headers }: Response) => headers.get('idempotent-replayed') === 'true'
const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('the same payment and request again', () => {
  it('answers the same bytes in either envelope, charged once', async () => {
    const payment = await sign(await createPayer())
    const [income, answers] = await measureIncome(async () => [
      await post(flower, v2(payment)),
      await post(flower, v2(payment)),
      await post(flower, v1(payment)),
      await post(flower, { ...v1(payment), ...v2(payment) }),
    ])
    expect(income).toBe(PRICE)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(answers.map(isReplay)).toEqual([false, true, true, true])
    const [first, ...rest] = await Promise.all(answers.map(bytesOf))
    for (const bytes of rest) expect(bytes.equals(first!)).toBe(true)
    expect(new Set(answers.map((answer) => readReceipt(answer).transaction)).size).toBe(1)
    const both = answers[3]!
    expect(decode(both.headers.get('payment-response')).network).toBe('eip155:84532')
    expect(decode(both.headers.get('x-payment-response')).network).toBe('base-sepolia')
  })
})

describe('a payment that has bought something', () => {
  it('answers another picture 409 payment_already_used, naming the transaction', async () => {
    const payment = await sign(await createPayer())
    const { transaction } = readReceipt(await post(flower, v2(payment)))
    const [income, other] = await measureIncome(() => post(lantern, v2(payment)))
    expect(other.status).toBe(409)
    expect(other.headers.get('payment-response')).toBeNull()
    expect(await errorOf(other)).toMatchObject({ error: 'payment_already_used', transaction })
    expect(income).toBe(0n)
  })

  it('gives nothing to a forged signature over the same authorization', async () => {
    const payment = await sign(await createPayer())
    await post(flower, v2(payment))
    const forged = { ...payment, signature: (await sign(await createPayer(0n))).signature }
    const answer = await post(flower, v2(forged))
    expect(answer.status).toBe(409)
    expect(await errorOf(answer)).toMatchObject({ error: 'payment_already_used' })
  })
})

describe('work that fails', () => {
  it('is not charged, and the payment buys another picture', async () => {
    const payment = await sign(await createPayer())
    const [income, [broken, good]] = await measureIncome(async () => [
      await post(flower.subarray(0, flower.length / 2), v2(payment)),
      await post(lantern, v2(payment)),
    ])
    expect(broken!.status).toBe(400)
    expect(broken!.headers.get('payment-response')).toBeNull()
    expect(await errorOf(broken!)).toMatchObject({ error: 'invalid_image' })
    expect(good!.status).toBe(200)
    expect(income).toBe(PRICE)
  })
})

describe('a payment that ends within 30 seconds', () => {
  it('is collected first; a failure is then owed, and another picture is free', async () => {
    const payment = await sign(await createPayer(), { validBefore: 25 })
    const [income, [broken, good]] = await measureIncome(async () => [
      await post(flower.subarray(0, flower.length / 2), v2(payment)),
      await post(lantern, v2(payment)),
    ])
    expect(await errorOf(broken!)).toMatchObject({ error: 'invalid_image', paid: true, owed_until: expect.any(String) })
    expect(broken!.headers.get('payment-response')).toBeNull()
    expect([broken!.status, good!.status]).toEqual([400, 200])
    expect(income).toBe(PRICE)
  })
})

describe('a result', () => {
  it('that is gone answers 410 result_expired, naming the transaction', async () => {
    const payment = await sign(await createPayer())
    const { transaction } = readReceipt(await post(flower, v2(payment)))
    await fetch(stack.control, { method: 'DELETE' })
    const answer = await post(flower, v2(payment))
    expect(answer.status).toBe(410)
    expect(await errorOf(answer)).toMatchObject({ error: 'result_expired', transaction })
  })
})

describe('secrets', () => {
  it('never stand in the logs', async () => {
    const payment = await sign(await createPayer())
    const key = `a secret key ${crypto.randomUUID()}`.replaceAll(' ', '-')
    const envelope = v2(payment)
    await post(flower, { ...envelope, 'Idempotency-Key': key })
    const challenge = decode<{ accepts: { extra: { replay: string } }[] }>(
      (await post(null)).headers.get('payment-required'),
    )
    const logs = await readLogs()
    expect(logs).toContain(ROUTE)
    for (const secret of [
      payment.signature.slice(2),
      payment.authorization.nonce.slice(2),
      challenge.accepts[0]!.extra.replay,
      envelope['PAYMENT-SIGNATURE'],
      key,
    ]) {
      expect(logs).not.toContain(secret)
    }
  })
})
