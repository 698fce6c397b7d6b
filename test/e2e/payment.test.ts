import { beforeAll, describe, expect, it } from 'vitest'
import {
  balanceOf,
  chain,
  createPayer,
  decode,
  measureIncome,
  PRICE,
  photo,
  post,
  ROUTE,
  readReceipt,
  type SignedPayment,
  sign,
  stack,
  token,
  v1,
  v2,
  watchFacilitator,
  withFaults,
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

  it('runs once for eight at a time: one verify, one settle, one charge', async () => {
    const payment = await sign(await createPayer())
    const [calls, [income, answers]] = await watchFacilitator(() =>
      measureIncome(() =>
        Promise.all(Array.from({ length: 8 }, (_, i) => post(flower, i % 2 ? v1(payment) : v2(payment)))),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200))
    const bytes = await Promise.all(answers.map(bytesOf))
    for (const one of bytes) expect(one.equals(bytes[0]!)).toBe(true)
    expect(calls).toEqual(['settle', 'verify'])
    expect(income).toBe(PRICE)
  })

  it('does not depend on the case of hexadecimal digits', async () => {
    const { authorization, signature } = await sign(await createPayer())
    const loud = (hex: string) => `0x${hex.slice(2).toUpperCase()}` as const
    const shouted: SignedPayment = {
      authorization: { ...authorization, from: loud(authorization.from), nonce: loud(authorization.nonce) },
      signature: loud(signature),
    }
    const [income, answers] = await measureIncome(async () => [
      await post(flower, v2({ authorization, signature })),
      await post(flower, v2(shouted)),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(income).toBe(PRICE)
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

  it('buys one of two pictures that come at once; the other answers 409', async () => {
    const payment = await sign(await createPayer())
    const [income, answers] = await measureIncome(() =>
      Promise.all([post(flower, v2(payment)), post(lantern, v2(payment))]),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(income).toBe(PRICE)
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

describe('a payment that cannot be taken', () => {
  const cases: Readonly<Record<string, { make: () => Promise<Record<string, string>>; error: string }>> = {
    'of a payer without funds': {
      make: async () => v2(await sign(await createPayer(0n))),
      error: 'invalid_exact_evm_insufficient_balance',
    },
    'that has expired': {
      make: async () => v1(await sign(await createPayer(), { validBefore: -5 })),
      error: 'invalid_exact_evm_payload_authorization_valid_before',
    },
    'that is not valid yet': {
      make: async () => v2(await sign(await createPayer(), { validAfter: 60 })),
      error: 'invalid_exact_evm_payload_authorization_valid_after',
    },
    'that ends in more than 20 minutes': {
      make: async () => v2(await sign(await createPayer(), { validBefore: 1_260 })),
      error: 'authorization_too_long',
    },
    'of one unit less': {
      make: async () => v2(await sign(await createPayer(), { value: 49_999n })),
      error: 'invalid_exact_evm_payload_authorization_value_mismatch',
    },
    'of one unit more': {
      make: async () => v2(await sign(await createPayer(), { value: 50_001n })),
      error: 'invalid_exact_evm_payload_authorization_value_mismatch',
    },
    'for another recipient': {
      make: async () => v2(await sign(await createPayer(), { to: stack.usdc })),
      error: 'invalid_exact_evm_recipient_mismatch',
    },
    'on another network': {
      make: async () => v2(await sign(await createPayer(), { chainId: 8453 }), { network: 'eip155:8453' }),
      error: 'invalid_network',
    },
    'in another asset': {
      make: async () => v2(await sign(await createPayer()), { asset: stack.payTo }),
      error: 'invalid_asset',
    },
    'signed for another chain': {
      make: async () => v2(await sign(await createPayer(), { chainId: 1 })),
      error: 'invalid_exact_evm_signature',
    },
    'that echoes a challenge we never made': {
      make: async () => v2(await sign(await createPayer()), { extra: { replay: 'A'.repeat(80) } }),
      error: 'invalid_challenge',
    },
  }
  it.each(Object.entries(cases))('%s: 402 with the reason and a fresh challenge', async (_, { make, error }) => {
    const headers = await make()
    const [income, answer] = await measureIncome(() => post(flower, headers))
    expect(answer.status).toBe(402)
    const required = decode<{ error: string; accepts: object[] }>(answer.headers.get('payment-required'))
    expect(required.error).toBe(error)
    expect(required.accepts).toHaveLength(1)
    expect(await errorOf(answer)).toMatchObject({ error, x402Version: 1, accepts: [expect.anything()] })
    expect(answer.headers.get('payment-response')).toBeNull()
    expect(income).toBe(0n)
  })

  it('because its nonce was used before we ever saw it: 409, no work', async () => {
    const { authorization: a, signature } = await sign(await createPayer())
    await chain.waitForTransactionReceipt({
      hash: await chain.writeContract({
        address: stack.usdc,
        abi: token,
        functionName: 'transferWithAuthorization',
        args: [a.from, a.to, BigInt(a.value), BigInt(a.validAfter), BigInt(a.validBefore), a.nonce, signature],
      }),
    })
    const [income, answer] = await measureIncome(() => post(flower, v2({ authorization: a, signature })))
    expect(answer.status).toBe(409)
    expect(await errorOf(answer)).toMatchObject({ error: 'payment_already_used' })
    expect(income).toBe(0n)
  })
})

describe('a facilitator in trouble', () => {
  const down = { '500': { mode: '500' }, html: { mode: 'html' }, nonsense: { mode: 'json', body: {} } }

  it.each(Object.entries(down))(
    'at verify (%s): 503 payment_unavailable, then the same payment buys',
    async (_, fault) => {
      const payment = await sign(await createPayer())
      const [income, [first, second]] = await measureIncome(async () => [
        await withFaults([{ op: 'verify', ...fault, count: 1 }], () => post(flower, v2(payment))),
        await post(flower, v2(payment)),
      ])
      expect(first!.status).toBe(503)
      expect(first!.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await errorOf(first!)).toMatchObject({ error: 'payment_unavailable', retryable: true })
      expect(second!.status).toBe(200)
      expect(income).toBe(PRICE)
    },
  )

  it('at settle, before it was sent on: 503 payment_pending, then 200, charged once', async () => {
    const payment = await sign(await createPayer())
    const [income, [first, second]] = await measureIncome(async () => [
      await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, v2(payment))),
      await post(flower, v2(payment)),
    ])
    expect(first!.status).toBe(503)
    expect(await errorOf(first!)).toMatchObject({ error: 'payment_pending', retryable: true })
    expect(second!.status).toBe(200)
    expect(income).toBe(PRICE)
  })

  it('at settle, after the money moved: found on chain, 200 at once, charged once', async () => {
    const payment = await sign(await createPayer())
    const [calls, [income, answer]] = await watchFacilitator(() =>
      measureIncome(() =>
        withFaults([{ op: 'settle', mode: 'html', when: 'after', count: 1 }], () => post(flower, v2(payment))),
      ),
    )
    expect(answer.status).toBe(200)
    expect(readReceipt(answer).transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect(calls).toEqual(['settle', 'verify'])
    expect(income).toBe(PRICE)
  })

  it('that says "no funds" at settle is not believed while the chain is open: 503, never 402', async () => {
    const account = await createPayer()
    const payment = await sign(account)
    const lie = {
      success: false,
      errorReason: 'invalid_exact_evm_insufficient_balance',
      transaction: '',
      network: 'eip155:84532',
    }
    const answer = await withFaults([{ op: 'settle', mode: 'json', body: lie, count: 1 }], () =>
      post(flower, v2(payment)),
    )
    expect(answer.status).toBe(503)
    expect(await errorOf(answer)).toMatchObject({ error: 'payment_pending' })
    expect((await post(flower, v2(payment))).status).toBe(200)
    expect(await balanceOf(account.address)).toBe(350_000n)
  })

  it('keeps the work: the retry settles without working again', async () => {
    const payment = await sign(await createPayer())
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, v2(payment)))
    const [calls, answer] = await watchFacilitator(() => post(flower, v2(payment)))
    expect(calls).toEqual(['settle'])
    expect(isReplay(answer)).toBe(true)
  })
})

describe('secrets', () => {
  it('never stand in the logs', async () => {
    const payment = await sign(await createPayer())
    await post(flower, v2(payment))
    const challenge = decode<{ accepts: { extra: { replay: string } }[] }>(
      (await post(null)).headers.get('payment-required'),
    )
    const logs = await (await fetch(stack.logs)).text()
    expect(logs).toContain(ROUTE)
    for (const secret of [
      payment.signature.slice(2),
      payment.authorization.nonce.slice(2),
      challenge.accepts[0]!.extra.replay,
    ]) {
      expect(logs).not.toContain(secret)
    }
  })
})
