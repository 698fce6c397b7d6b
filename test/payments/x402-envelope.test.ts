import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import { CredentialError } from '../../src/payments/protocol.ts'
import { readCredential } from '../../src/payments/protocols/x402-envelope.ts'

const asset = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const payment = {
  signature: `0x${'ab'.repeat(65)}`,
  authorization: {
    from: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    to: '0x14dC79964da2C08b23698B3D3cc7Ca32193d9955',
    value: '50000',
    validAfter: '0',
    validBefore: '1800000000',
    nonce: `0x${'cd'.repeat(32)}`,
  },
}
const accepted = { scheme: 'exact', network: 'eip155:84532', extra: { replay: 'token' } }
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
const v2 = (payload: unknown = payment, more: object = {}) => encode({ x402Version: 2, accepted, payload, ...more })
const v1 = (payload: unknown = payment) => encode({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload })
const read = (headers: Record<string, string>) => readCredential(new Headers(headers), asset)
const change = (authorization: object) => ({
  ...payment,
  authorization: { ...payment.authorization, ...authorization },
})

describe('readCredential', () => {
  it('is null without a header', () => {
    expect(read({ authorization: 'Payment abc' })).toBeNull()
  })

  it('gives v1 and v2 of one authorization one key and one digest', () => {
    const one = read({ 'x-payment': v1() })
    const two = read({ 'payment-signature': v2() })
    expect(one).toMatchObject({ envelopes: ['v1'], payer: payment.authorization.from, validBefore: 1_800_000_000 })
    expect(two).toMatchObject({ envelopes: ['v2'], key: one?.key, digest: one?.digest })
  })

  it('takes both headers with one authorization for one payment', () => {
    expect(read({ 'x-payment': v1(), 'payment-signature': v2() })?.envelopes).toEqual(['v2', 'v1'])
  })

  it('reads base64url as well as base64', () => {
    const text = Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload: payment, note: '???>>>' })).toString(
      'base64url',
    )
    expect(read({ 'payment-signature': text })?.key).toBe(read({ 'payment-signature': v2() })?.key)
  })

  it('gives another key to another nonce, payer or chain', () => {
    const keys = [
      v2(),
      v2(change({ nonce: `0x${'ce'.repeat(32)}` })),
      v2(change({ from: payment.authorization.to })),
      v2(payment, { accepted: { ...accepted, network: 'eip155:8453' } }),
    ].map((header) => read({ 'payment-signature': header })?.key)
    expect(new Set(keys).size).toBe(4)
  })

  it('gives another digest to another signature', () => {
    const other = read({ 'payment-signature': v2({ ...payment, signature: `0x${'ba'.repeat(65)}` }) })
    expect(other?.key).toBe(read({ 'payment-signature': v2() })?.key)
    expect(other?.digest).not.toBe(read({ 'payment-signature': v2() })?.digest)
  })

  it.each([
    ['two authorizations', change({ nonce: `0x${'ce'.repeat(32)}` })],
    ['one authorization with two signatures', { ...payment, signature: `0x${'ba'.repeat(65)}` }],
  ])('refuses two headers with %s', (_, other) => {
    expect(() => read({ 'x-payment': v1(other), 'payment-signature': v2() })).toThrow(
      expect.objectContaining({ code: 'ambiguous_payment' }),
    )
  })

  it('refuses a header above 8 KiB before it decodes it', () => {
    expect(() => read({ 'x-payment': 'A'.repeat(8 * 1024 + 1) })).toThrow(ApiError)
    expect(() => read({ 'x-payment': 'A'.repeat(8 * 1024) })).toThrow(CredentialError)
  })

  it.each([
    ['an empty header', ''],
    ['no base64', '%%%'],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['null', encode(null)],
    ['an array', encode([])],
    ['a string', encode('x')],
    ['another version', v2(payment, { x402Version: 3 })],
    ['no payload', v2(null)],
    ['no authorization', v2({ signature: payment.signature })],
    ['no accepted', v2(payment, { accepted: undefined })],
    ['a payer that is no address', v2(change({ from: '0x1' }))],
    ['a value that is a number', v2(change({ value: 50_000 }))],
    ['a negative value', v2(change({ value: '-1' }))],
    ['a nonce of 31 bytes', v2(change({ nonce: `0x${'cd'.repeat(31)}` }))],
    ['a signature that is no hex', v2({ ...payment, signature: 'abc' })],
    ['a signature of half a byte', v2({ ...payment, signature: '0xabc' })],
  ])('answers invalid_payload to %s', (_, header) => {
    expect(() => read({ 'payment-signature': header })).toThrow(new CredentialError('invalid_payload'))
  })
})
