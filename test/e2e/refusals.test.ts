import { parseSignature, serializeCompactSignature, serializeErc6492Signature, signatureToCompactSignature } from 'viem'
import { beforeAll, describe, expect, it } from 'vitest'
import { cancel, chain, createPayer, decode, measureIncome, photo, post, sign, stack, token, v1, v2 } from './kit.ts'
import { frontRun, hasWorked } from './kit-chain.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
})

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>

describe('row 11: a payment that cannot be taken', () => {
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
    'with a compact signature (EIP-2098)': {
      make: async () => {
        const payment = await sign(await createPayer())
        const signature = serializeCompactSignature(signatureToCompactSignature(parseSignature(payment.signature)))
        return v2({ ...payment, signature })
      },
      error: 'invalid_exact_evm_signature',
    },
    'of a wallet that is not deployed yet (ERC-6492)': {
      make: async () => {
        const payment = await sign(await createPayer())
        const signature = serializeErc6492Signature({
          address: stack.usdc,
          data: '0x00',
          signature: payment.signature,
        })
        const { address } = await createPayer(0n)
        return v2({ authorization: { ...payment.authorization, from: address }, signature })
      },
      error: 'invalid_exact_evm_signature',
    },
    'that cannot be decoded': {
      make: async () => ({ 'PAYMENT-SIGNATURE': '%%%' }),
      error: 'invalid_payload',
    },
    'that was cancelled on chain': {
      make: async () => {
        const account = await createPayer()
        const payment = await sign(account)
        await cancel(account, payment.authorization.nonce)
        return v2(payment)
      },
      error: 'authorization_cancelled',
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
    expect(await hasWorked(answer)).toBe(false)
  })

  it('in a header above 8 KiB: 431', async () => {
    const answer = await post(flower, { 'X-PAYMENT': 'A'.repeat(8 * 1024 + 1) })
    expect(answer.status).toBe(431)
    expect(await errorOf(answer)).toMatchObject({ error: 'header_too_large' })
  })

  it('beside another one: 400 ambiguous_payment, nothing moves', async () => {
    const account = await createPayer()
    const headers = { ...v2(await sign(account)), ...v1(await sign(account)) }
    const [income, answer] = await measureIncome(() => post(flower, headers))
    expect(await errorOf(answer)).toMatchObject({ error: 'ambiguous_payment' })
    expect(income).toBe(0n)
  })

  it('row 8: because its nonce was used before we ever saw it: 409, no work', async () => {
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
    expect(await hasWorked(answer)).toBe(false)
    expect(income).toBe(0n)
  })

  it('row 8: although it is about to end: 409, never 402', async () => {
    const payment = await sign(await createPayer(), { validBefore: 5 })
    await frontRun([payment])
    const [income, answer] = await measureIncome(() => post(flower, v2(payment)))
    expect([answer.status, income]).toEqual([409, 0n])
    expect(await errorOf(answer)).toMatchObject({ error: 'payment_already_used' })
  })
})
