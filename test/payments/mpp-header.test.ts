import { Credential as MppCredential } from 'mppx'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PaymentProtocol } from '../../src/payments/protocol.ts'
import { ask, type MppStand, startMpp } from './mpp-stand.ts'

let stand: MppStand
let protocol: PaymentProtocol
beforeAll(async () => {
  stand = await startMpp()
  protocol = stand.protocol
})
afterAll(() => stand.chain.stop())

describe('a header', () => {
  const header = async (...credentials: MppCredential.Credential[]) =>
    new Headers({ authorization: credentials.map((credential) => MppCredential.serialize(credential)).join(', ') })

  it('with two payments is ambiguous; with one payment twice it is one', async () => {
    const [one, two] = [await stand.sign(await stand.readChallenge()), await stand.sign(await stand.readChallenge())]
    const both = await header(one, two)
    expect(() => protocol.read(both)).toThrow(expect.objectContaining({ code: 'ambiguous_payment' }))
    expect(protocol.read(await header(one, one))?.key).toBe(stand.read(one).key)
  })

  it('with a payment beside another scheme is read', async () => {
    const made = await stand.sign(await stand.readChallenge())
    const authorization = `Bearer abc, ${MppCredential.serialize(made)}`
    expect(protocol.read(new Headers({ authorization }))?.key).toBe(stand.read(made).key)
  })

  it.each([
    ['an unknown payload', { type: 'cheque', signature: '0x00' }],
    ['a proof', { type: 'proof', signature: `0x${'ab'.repeat(65)}` }],
    ['no payload', null],
    ['a transaction that is none', { type: 'transaction', signature: '0x76c0' }],
    ['a short hash', { type: 'hash', hash: '0x12' }],
  ])('with %s is malformed', async (_, payload) => {
    const made = { ...(await stand.sign(await stand.readChallenge())), payload }
    expect(() => stand.read(made)).toThrow(expect.objectContaining({ reason: 'invalid_payload' }))
  })

  it('with a number that JSON cannot say again is refused', async () => {
    const made = await stand.sign(await stand.readChallenge())
    const wire = JSON.parse(Buffer.from(MppCredential.serialize(made).slice(8), 'base64url').toString())
    wire.challenge.request = Buffer.from('{"amount":1e999}').toString('base64url')
    const authorization = `Payment ${Buffer.from(JSON.stringify(wire)).toString('base64url')}`
    const credential = protocol.read(new Headers({ authorization }))
    expect(credential && (await protocol.verify(credential, ask))).toEqual({
      kind: 'refused',
      reason: 'invalid_challenge',
    })
  })
})
