import { beforeAll, describe, expect, it } from 'vitest'
import {
  createCaller,
  createPayer,
  decode,
  encode,
  measureIncome,
  PRICE,
  photo,
  post,
  ROUTE,
  readReceipt,
  sign,
  stack,
  v1,
  v2,
  watchFacilitator,
  withFaults,
} from './kit.ts'
import { createMppClient, createTempoPayer, measureTempoIncome } from './kit-mpp.ts'
import { shrink } from './pictures.ts'
import { createFetch, stockClients } from './stock-clients.ts'

let flower: Buffer
let lantern: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
  lantern = await shrink(photo('lantern.jpg'))
})

const createKey = (value: string = crypto.randomUUID()) => ({ 'Idempotency-Key': value })
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const isReplay = ({ headers }: Response) => headers.get('idempotent-replayed') === 'true'
const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('the same Idempotency-Key and request again', () => {
  it('answers what the first payment bought; a second payment is neither verified nor settled', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    const [income, first] = await measureIncome(async () => post(flower, { ...v2(await sign(payer)), ...key }))
    const second = { ...v1(await sign(payer)), ...key, ...createCaller() }
    const [calls, [more, again]] = await watchFacilitator(() => measureIncome(() => post(flower, second)))
    expect([first.status, again.status, isReplay(again)]).toEqual([200, 200, true])
    expect([income, more, calls]).toEqual([PRICE, 0n, []])
    expect(readReceipt(again).transaction).toBe(readReceipt(first).transaction)
    expect((await bytesOf(again)).equals(await bytesOf(first))).toBe(true)
  })

  it('needs no payment, from any address, and nobody is asked', async () => {
    const key = createKey()
    const first = await post(flower, { ...v2(await sign(await createPayer())), ...key })
    const [calls, again] = await watchFacilitator(() => post(flower, { ...key, ...createCaller() }))
    expect([again.status, isReplay(again), calls]).toEqual([200, true, []])
    expect((await bytesOf(again)).equals(await bytesOf(first))).toBe(true)
  })

  it('answers 503 and then 200, never 402, where the outcome was unknown; charged once', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    const lost = [{ op: 'settle', mode: '500', count: 2 }]
    const [income, answers] = await measureIncome(() =>
      withFaults(lost, async () => [
        await post(flower, { ...v2(await sign(payer)), ...key }),
        await post(flower, { ...key, ...createCaller() }),
        await post(flower, { ...v2(await sign(payer)), ...key, ...createCaller() }),
      ]),
    )
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 200])
    expect(income).toBe(PRICE)
  })

  it('buys once however many payments come with it at the same time', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    const payments = await Promise.all(Array.from({ length: 6 }, () => sign(payer)))
    const [income, answers] = await measureIncome(() =>
      Promise.all(payments.map((payment) => post(flower, { ...v2(payment), ...key, ...createCaller() }))),
    )
    expect(income).toBe(PRICE)
    for (const answer of answers) {
      if (answer.status !== 200) expect(await errorOf(answer)).toMatchObject({ error: 'payment_in_progress' })
    }
    const again = await post(flower, { ...key, ...createCaller() })
    expect(again.status).toBe(200)
  })

  it('does not care about options that say the default', async () => {
    const key = createKey()
    await post(flower, { ...v2(await sign(await createPayer())), ...key })
    expect((await post(flower, key, '?format=png&output=cutout')).status).toBe(200)
  })
})

describe('an Idempotency-Key with another request', () => {
  it('answers 409 idempotency_key_reused, paid or not, and nothing moves', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    await post(flower, { ...v2(await sign(payer)), ...key })
    const [income, answers] = await measureIncome(async () => [
      await post(lantern, { ...v2(await sign(payer)), ...key }),
      await post(lantern, { ...key, ...createCaller() }),
      await post(flower, key, '?quality=fast'),
    ])
    for (const answer of answers) {
      expect(answer.status).toBe(409)
      expect(await errorOf(answer)).toMatchObject({ error: 'idempotency_key_reused' })
    }
    expect(income).toBe(0n)
  })
})

describe('a payment that is known before its Idempotency-Key', () => {
  it('answers for the key from then on: nothing more is charged, and no 402', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    const payment = v2(await sign(payer))
    const [income, answers] = await measureIncome(async () => [
      await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, payment)),
      await post(flower, { ...payment, ...key }),
      await post(flower, { ...key, ...createCaller() }),
      await post(flower, { ...v2(await sign(payer)), ...key, ...createCaller() }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([503, 200, 200, 200])
    expect(income).toBe(PRICE)
  })

  it('has each of its keys answer for it', async () => {
    const [payer, first, second] = [await createPayer(), createKey(), createKey()]
    const payment = v2(await sign(payer))
    const [income, answers] = await measureIncome(async () => [
      await post(flower, { ...payment, ...first }),
      await post(flower, { ...payment, ...second }),
      await post(flower, { ...v2(await sign(payer)), ...second, ...createCaller() }),
      await post(flower, { ...first, ...createCaller() }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(income).toBe(PRICE)
  })
})

describe('an Idempotency-Key whose work is owed', () => {
  it('buys another picture, also for a client that signs anew; then it stands for that one', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    const broken = flower.subarray(0, flower.length / 2)
    const [income, [owed, good, again, other]] = await measureIncome(async () => [
      await post(broken, { ...v2(await sign(payer, { validBefore: 25 })), ...key }),
      await post(flower, { ...v2(await sign(payer)), ...key }),
      await post(flower, { ...key, ...createCaller() }),
      await post(lantern, { ...v2(await sign(payer)), ...key }),
    ])
    expect(await errorOf(owed!)).toMatchObject({ error: 'invalid_image', paid: true })
    expect([good!.status, again!.status, other!.status]).toEqual([200, 200, 409])
    expect(income).toBe(PRICE)
  })
})

describe('a malformed payment beside an Idempotency-Key', () => {
  it('gets the key’s answer, and 402 invalid_payload only where there is none', async () => {
    const [key, junk] = [createKey(), { 'PAYMENT-SIGNATURE': '%%%' }]
    await post(flower, { ...v2(await sign(await createPayer())), ...key })
    expect((await post(flower, { ...junk, ...key })).status).toBe(200)
    const refused = await post(flower, { ...junk, ...createKey() })
    expect([refused.status, (await errorOf(refused)).error]).toEqual([402, 'invalid_payload'])
  })
})

describe('payments that come with a bound Idempotency-Key', () => {
  it('are not judged, so they count against the unpaid limit', async () => {
    const [key, caller, poor] = [createKey(), createCaller(), await createPayer(0n)]
    await post(flower, { ...v2(await sign(await createPayer())), ...key })
    const statuses: number[] = []
    for (let i = 0; i < 65; i += 1)
      statuses.push((await post(lantern, { ...v2(await sign(poor)), ...key, ...caller })).status)
    expect(new Set(statuses)).toEqual(new Set([409, 429]))
  })
})

describe('an Idempotency-Key for which nothing was sent', () => {
  it('does not keep anybody from being asked to pay', async () => {
    expect((await post(flower, createKey())).status).toBe(402)
  })

  it('is taken over by a new payment when the first could not be verified, or its work failed', async () => {
    const [payer, key] = [await createPayer(), createKey()]
    const [income, answers] = await measureIncome(async () => [
      await withFaults([{ op: 'verify', mode: '500', count: 1 }], async () =>
        post(flower, { ...v2(await sign(payer)), ...key }),
      ),
      await post(flower, { ...v2(await sign(payer)), ...key }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([503, 200])
    expect(income).toBe(PRICE)

    const [broken, other] = [flower.subarray(0, flower.length / 2), createKey()]
    const failed = async () => post(broken, { ...v2(await sign(payer)), ...other })
    expect([(await failed()).status, (await failed()).status]).toEqual([400, 400])
    expect((await post(broken, other)).status).toBe(402)
  })
})

describe('a key that is none', () => {
  it.each(['short', 'x'.repeat(129), 'sixteen visible characters, and blanks'])(
    '%s: 400 invalid_request',
    async (value) => {
      const payment = v2(await sign(await createPayer()))
      const [calls, answer] = await watchFacilitator(() => post(flower, { ...payment, ...createKey(value) }))
      expect(answer.status).toBe(400)
      expect(await errorOf(answer)).toMatchObject({
        error: 'invalid_request',
        message: expect.stringContaining('16 to 128'),
      })
      expect(calls).toEqual([])
    },
  )
})

describe('payment-identifier', () => {
  const identify = (id: string) => ({ extensions: { 'payment-identifier': { info: { required: false, id } } } })
  const withId = async (id: string, payer: Parameters<typeof sign>[0]) => {
    const envelope = decode(v2(await sign(payer))['PAYMENT-SIGNATURE'])
    return { 'PAYMENT-SIGNATURE': encode({ ...envelope, ...identify(id) }) }
  }

  it('counts as an Idempotency-Key', async () => {
    const [payer, id] = [await createPayer(), `pay_${crypto.randomUUID()}`]
    const [income, [first, again]] = await measureIncome(async () => [
      await post(flower, await withId(id, payer)),
      await post(flower, { ...(await withId(id, payer)), ...createCaller() }),
    ])
    expect([first!.status, again!.status, isReplay(again!)]).toEqual([200, 200, true])
    expect(income).toBe(PRICE)
    expect((await post(flower, { ...createKey(id), ...createCaller() })).status).toBe(200)
  })

  it('is offered in the challenge, and a stock client that echoes it without an id is served', async () => {
    const fetchPaid = createFetch(await createPayer())
    const init = { method: 'POST', headers: { 'Content-Type': 'image/jpeg', ...createCaller() }, body: flower }
    expect((await fetchPaid(stack.gateway + ROUTE, init)).status).toBe(200)
  })
})

describe('row 17: an answer that was lost', () => {
  it.each(Object.entries(stockClients))(
    '%s calls again with the same key: the same answer, charged once',
    async (_, pay) => {
      const payer = await createPayer()
      const headers = { 'Content-Type': 'image/jpeg', ...createKey(), ...createCaller() }
      const [income, [first, again]] = await measureIncome(async () => [
        await pay(payer, stack.gateway + ROUTE, flower, headers),
        await pay(payer, stack.gateway + ROUTE, flower, { ...headers, ...createCaller() }),
      ])
      expect([first!.status, again!.status, again!.header('idempotent-replayed')]).toEqual([200, 200, 'true'])
      expect(again!.body.equals(first!.body)).toBe(true)
      expect(income).toBe(PRICE)
    },
  )

  it('mppx calls again with the same key: the same answer, charged once', async () => {
    const client = createMppClient(await createTempoPayer())
    const headers = { 'Content-Type': 'image/jpeg', ...createKey(), ...createCaller() }
    const call = () => client.fetch(stack.gateway + ROUTE, { method: 'POST', body: flower, headers })
    const [income, [first, again]] = await measureTempoIncome(async () => [await call(), await call()])
    expect([first!.status, again!.status, isReplay(again!)]).toEqual([200, 200, true])
    expect((await bytesOf(again!)).equals(await bytesOf(first!))).toBe(true)
    expect(income).toBe(PRICE)
  })
})
