import { Credential } from 'mppx'
import { type SignatureEnvelope, TxEnvelopeTempo } from 'ox/tempo'
import type { Hex } from 'viem'
import { beforeAll, describe, expect, it } from 'vitest'
import { createP256Wallet, createWallet, signEnvelope, type TempoWallet } from '../local/tempo-wallet.ts'
import { createPayer, measureIncome, photo, post, readLogs, sign, v2 } from './kit.ts'
import {
  askChallenge,
  createTempoPayer,
  measureTempoIncome,
  readMppReceipt,
  signMpp,
  withTempoFaults,
} from './kit-mpp.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
let lantern: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
  lantern = await shrink(photo('lantern.jpg'))
})

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>
const PRICE = 50_000n

/** The same transaction with changes, signed by a fresh wallet. */
function signAgain(raw: Hex, change: object, wallet: TempoWallet = createWallet()): Hex {
  const { signature: _, from: __, ...envelope } = TxEnvelopeTempo.deserialize(raw as TxEnvelopeTempo.Serialized)
  return signEnvelope(wallet, { ...envelope, ...change } as never)
}

/** The same transaction as if the owner of some p256 key had signed it. */
function forge(raw: Hex): Hex {
  const [victim, thief] = [createP256Wallet(), createP256Wallet()]
  const sign = (payload: Hex) =>
    ({ ...thief.sign(payload), publicKey: victim.publicKey }) as SignatureEnvelope.SignatureEnvelope
  return signAgain(raw, {}, { address: victim.address, sign })
}

describe.each(['pull', 'push'] as const)('a %s credential', (mode) => {
  it('buys once: the same again is replayed, another picture conflicts', async () => {
    const credential = await (async () => signMpp(await createTempoPayer(), { mode }))()
    const [income, [first, again, other]] = await measureTempoIncome(async () => [
      await post(flower, credential),
      await post(flower, credential),
      await post(lantern, credential),
    ])
    expect([first!.status, again!.status, other!.status]).toEqual([200, 200, 409])
    expect((await bytesOf(again!)).equals(await bytesOf(first!))).toBe(true)
    expect(again!.headers.get('idempotent-replayed')).toBe('true')
    expect(readMppReceipt(first!)).toMatchObject({
      method: 'tempo',
      status: 'success',
      reference: expect.stringMatching(/^0x/),
    })
    expect(await errorOf(other!)).toMatchObject({
      error: 'payment_already_used',
      transaction: readMppReceipt(first!).reference,
    })
    expect(other!.headers.get('payment-receipt')).toBeNull()
    // A push moves the money while it is signed.
    expect(income).toBe(mode === 'pull' ? PRICE : 0n)
  })

  it('that is sent eight times at once is charged once, for one result', async () => {
    const account = await createTempoPayer()
    const [income, answers] = await measureTempoIncome(async () => {
      const credential = await signMpp(account, { mode })
      return Promise.all(Array.from({ length: 8 }, () => post(flower, credential)))
    })
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    const bytes = await Promise.all(answers.map(bytesOf))
    for (const one of bytes) expect(one.equals(bytes[0]!)).toBe(true)
    expect(income).toBe(PRICE)
  })
})

describe('row 28: one challenge', () => {
  it('that is paid by a pull, and then shown with the hash of its transaction, is charged once', async () => {
    const credential = await signMpp(await createTempoPayer())
    const { challenge } = Credential.deserialize(credential.Authorization)
    const [income, [pulled, pushed]] = await measureTempoIncome(async () => {
      const first = await post(flower, credential)
      const payload = { type: 'hash', hash: readMppReceipt(first).reference }
      return [first, await post(flower, { Authorization: Credential.serialize({ challenge, payload }) })]
    })
    expect([pulled!.status, pushed!.status, pushed!.headers.get('idempotent-replayed')]).toEqual([200, 200, 'true'])
    expect((await bytesOf(pushed!)).equals(await bytesOf(pulled!))).toBe(true)
    expect(income).toBe(PRICE)
  })

  it('that is signed twice is charged once, and both signatures get the one result', async () => {
    const account = await createTempoPayer()
    const challenge = await askChallenge()
    const credentials = [
      await signMpp(account, { challenge: challenge.clone() }),
      await signMpp(account, { challenge: challenge.clone() }),
    ]
    expect(credentials[0]).not.toEqual(credentials[1])
    const [income, answers] = await measureTempoIncome(async () => [
      await post(flower, credentials[0]),
      await post(flower, credentials[1]),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(income).toBe(PRICE)
  })
})

describe('work that fails', () => {
  it('after a pull is not charged: the same credential buys another picture', async () => {
    const credential = await signMpp(await createTempoPayer())
    const [income, [broken, good]] = await measureTempoIncome(async () => [
      await post(flower.subarray(0, flower.length / 2), credential),
      await post(lantern, credential),
    ])
    expect(await errorOf(broken!)).toEqual(expect.not.objectContaining({ paid: true }))
    expect([broken!.status, good!.status]).toEqual([400, 200])
    expect(income).toBe(PRICE)
  })

  it('row 29: after a push is owed: the error says until when, and another picture is free', async () => {
    const credential = await signMpp(await createTempoPayer(), { mode: 'push' })
    const broken = await post(flower.subarray(0, flower.length / 2), credential)
    expect(broken.status).toBe(400)
    expect(broken.headers.get('payment-receipt')).toBeNull()
    expect(await errorOf(broken)).toMatchObject({
      error: 'invalid_image',
      paid: true,
      owed_until: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
    })
    const [income, good] = await measureTempoIncome(() => post(lantern, credential))
    expect(good.status).toBe(200)
    expect(income).toBe(0n)
  })
})

describe('a credential that cannot be taken', () => {
  it.each([
    ['that is no base64', 'Payment !!!', 'invalid_payload'],
    ['that holds an empty object', `Payment ${Buffer.from('{}').toString('base64url')}`, 'invalid_payload'],
    ['of another scheme', 'Bearer abc', 'payment_required'],
  ])('%s: 402 with a fresh challenge', async (_, Authorization, error) => {
    const answer = await post(flower, { Authorization })
    expect(answer.status).toBe(402)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Payment id="/)
    expect(await errorOf(answer)).toMatchObject({ error })
  })

  const seconds = () => Math.floor(Date.now() / 1000)
  it.each([
    ['forged for the address of a p256 key', forge, 'invalid_signature'],
    ['that spends a counting nonce', (raw: Hex) => signAgain(raw, { nonceKey: 1n }), 'invalid_nonce'],
    ['without an end', (raw: Hex) => signAgain(raw, { validBefore: undefined }), 'transaction_expired'],
    ['that has ended', (raw: Hex) => signAgain(raw, { validBefore: seconds() - 1 }), 'transaction_expired'],
  ])('%s: 402 with the reason, and nobody works', async (_, change, error) => {
    const headers = await signMpp(await createTempoPayer(), { change })
    const [income, answer] = await measureTempoIncome(() => post(flower, headers))
    expect(answer.status).toBe(402)
    const { request_id: id, ...refusal } = await errorOf(answer)
    expect(refusal).toMatchObject({ error })
    const line = (await readLogs()).split(String(id))[1]?.slice(0, 400)
    expect(line).toContain('402')
    expect(line).not.toContain('claim')
    expect(income).toBe(0n)
  })

  it('beside an x402 payment: 400 ambiguous_payment, and neither is charged', async () => {
    const headers = { ...v2(await sign(await createPayer())), ...(await signMpp(await createTempoPayer())) }
    const [tempoIncome, [income, answer]] = await measureTempoIncome(() => measureIncome(() => post(flower, headers)))
    expect(await errorOf(answer)).toMatchObject({ error: 'ambiguous_payment' })
    expect([tempoIncome, income]).toEqual([0n, 0n])
  })
})

describe('a Tempo node in trouble', () => {
  const send = 'eth_sendRawTransactionSync'

  it('before anything was sent: 503 payment_unavailable, then the same credential buys', async () => {
    const credential = await signMpp(await createTempoPayer())
    const [income, [first, second]] = await measureTempoIncome(async () => [
      await withTempoFaults([{ method: '*', mode: '500' }], () => post(flower, credential)),
      await post(flower, credential),
    ])
    expect(await errorOf(first!)).toMatchObject({ error: 'payment_unavailable', retryable: true })
    expect([first!.status, second!.status]).toEqual([503, 200])
    expect(income).toBe(PRICE)
  })

  it('that loses the transaction: 503 payment_pending, then it is sent again, charged once', async () => {
    const credential = await signMpp(await createTempoPayer())
    const [income, [first, second]] = await measureTempoIncome(async () => [
      await withTempoFaults([{ method: send, mode: 'error', count: 1 }], () => post(flower, credential)),
      await post(flower, credential),
    ])
    expect(await errorOf(first!)).toMatchObject({ error: 'payment_pending', retryable: true })
    expect([first!.status, second!.status]).toEqual([503, 200])
    expect(income).toBe(PRICE)
  })

  it('that mines it and loses the answer: found at once, charged once', async () => {
    const credential = await signMpp(await createTempoPayer())
    const lost = [{ method: send, mode: 'error', when: 'after', count: 1 }]
    const [income, answer] = await measureTempoIncome(() => withTempoFaults(lost, () => post(flower, credential)))
    expect(answer.status).toBe(200)
    expect(income).toBe(PRICE)
  })

  it('that mines it and cannot find it: 503, then found, sent once', async () => {
    const credential = await signMpp(await createTempoPayer())
    const blind = [
      { method: send, mode: '500', when: 'after', count: 1 },
      { method: 'eth_getTransactionReceipt', mode: 'null' },
    ]
    const [income, [first, second]] = await measureTempoIncome(async () => [
      await withTempoFaults(blind, () => post(flower, credential)),
      await post(flower, credential),
    ])
    expect([first!.status, second!.status]).toEqual([503, 200])
    expect(income).toBe(PRICE)
  })
})
