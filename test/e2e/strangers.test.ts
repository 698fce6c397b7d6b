import { Challenge, Credential } from 'mppx'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPayer, decode, measureIncome, photo, post, readReceipt, sign, v1, v2 } from './kit.ts'
import { steal } from './kit-chain.ts'
import { askChallenge, createTempoPayer, measureTempoIncome, readMppReceipt, signMpp } from './kit-mpp.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
let lantern: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
  lantern = await shrink(photo('lantern.jpg'))
})

const elsewhere = (last: number) => ({ 'CF-Connecting-IP': `203.0.113.${last}` })

/** A payment that echoes the token of a fresh challenge, as stock v2 clients do. */
async function payWithToken() {
  const required = decode<{ accepts: { extra: object }[] }>((await post(null)).headers.get('payment-required'))
  const payment = await sign(await createPayer())
  const headers = v2(payment, { extra: required.accepts[0]!.extra })
  return { payment, headers, first: await post(flower, headers) }
}

describe('row 14: a stranger who rebuilds a payment from the chain', () => {
  it('gets 409 and nothing else, whatever is sent with it', async () => {
    const { first } = await payWithToken()
    const stolen = await steal(readReceipt(first).transaction)
    const [income, answers] = await measureIncome(() =>
      Promise.all([
        post(flower, { ...v2(stolen), ...elsewhere(1) }),
        post(flower, { ...v1(stolen), ...elsewhere(2) }),
        post(lantern, { ...v2(stolen), ...elsewhere(3) }),
        post(flower, { ...v2(stolen, { extra: { replay: 'A'.repeat(64) } }), ...elsewhere(4) }),
        post(flower, { ...v2(stolen), ...elsewhere(8), 'Idempotency-Key': 'a key of the thief'.replaceAll(' ', '-') }),
      ]),
    )
    for (const answer of answers) {
      expect(answer.status).toBe(409)
      expect(answer.headers.get('payment-response') ?? answer.headers.get('x-payment-response')).toBeNull()
      const { error, message, request_id, ...more } = (await answer.json()) as Record<string, unknown>
      expect({ error, more }).toEqual({ error: 'payment_already_used', more: {} })
    }
    expect(income).toBe(0n)
  })

  it('gets 400 where the body would be refused anyway', async () => {
    const { first } = await payWithToken()
    const stolen = await steal(readReceipt(first).transaction)
    expect((await post('', { ...v2(stolen), ...elsewhere(5) })).status).toBe(400)
  })

  it('gets 409 with the hash of an MPP payment and a challenge of his own', async () => {
    const victim = await signMpp(await createTempoPayer())
    const paid = await post(flower, victim)
    expect(paid.status).toBe(200)
    const { challenge } = Credential.deserialize(victim.Authorization)
    const own = Challenge.fromResponse(await askChallenge())
    const payload = { type: 'hash', hash: readMppReceipt(paid).reference }
    const forge = (stolen: typeof own) => ({ Authorization: Credential.serialize({ challenge: stolen, payload }) })
    const [income, answers] = await measureTempoIncome(async () => [
      await post(flower, { ...forge(own), ...elsewhere(9) }),
      await post(flower, { ...forge({ ...challenge, id: own.id }), ...elsewhere(10) }),
    ])
    expect(income).toBe(0n)
    expect(await answers[0]!.json()).toMatchObject({ error: 'payment_already_used' })
    // A challenge that was never made is refused before anybody looks at the chain.
    expect(await answers[1]!.json()).toMatchObject({ error: 'invalid_challenge' })
    for (const { headers } of answers) expect(headers.get('payment-receipt')).toBeNull()
  })

  it('row 16: is not helped by an address that is a Worker’s', async () => {
    const shared = { ...elsewhere(6), 'CF-Worker': 'workers.example' }
    const payment = await sign(await createPayer())
    expect((await post(flower, { ...v1(payment), ...shared })).status).toBe(200)
    expect((await post(flower, { ...v1(payment), ...shared })).status).toBe(409)
  })
})

describe('row 15: the payer', () => {
  it('gets the result again from another address by echoing the challenge', async () => {
    const { headers, first } = await payWithToken()
    const again = await post(flower, { ...headers, ...elsewhere(7) })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(Buffer.from(await again.arrayBuffer()).equals(Buffer.from(await first.arrayBuffer()))).toBe(true)
  })

  it('gets it again from another address by its Idempotency-Key', async () => {
    const [payment, key] = [await sign(await createPayer()), { 'Idempotency-Key': crypto.randomUUID() }]
    const first = await post(flower, { ...v1(payment), ...key })
    const again = await post(flower, { ...v1(payment), ...key, ...elsewhere(11) })
    expect([first.status, again.status]).toEqual([200, 200])
    expect((await post(flower, { ...v1(payment), ...elsewhere(12) })).status).toBe(409)
  })

  it('gets it again from another address by its MPP challenge', async () => {
    const credential = await signMpp(await createTempoPayer())
    const first = await post(flower, credential)
    const again = await post(flower, { ...credential, ...elsewhere(13) })
    expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 200, 'true'])
  })

  it('gets it again from its own address without an echo', async () => {
    const { payment } = await payWithToken()
    expect((await post(flower, v1(payment))).status).toBe(200)
  })
})
