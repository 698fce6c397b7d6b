import { TxEnvelopeTempo } from 'ox/tempo'
import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PaymentProtocol } from '../../src/payments/protocol.ts'
import { createWallet } from '../local/tempo-wallet.ts'
import { ask, type MppStand, startMpp } from './mpp-stand.ts'

let stand: MppStand
let protocol: PaymentProtocol
beforeAll(async () => {
  stand = await startMpp()
  protocol = stand.protocol
})
afterAll(() => stand.chain.stop())

describe('a sponsor', () => {
  const sponsor = createWallet()
  const createSponsored = () => stand.create({ sponsorKey: sponsor.privateKey })

  it('pays the fee of a payer who holds the price and nothing more; the hash is known before it is sent', async () => {
    stand.chain.mint(sponsor.address, 1_000_000n)
    const sponsored = createSponsored()
    const payer = stand.createPayer(50_000n)
    const credential = stand.read(await stand.sign(await stand.readChallenge(sponsored), payer), sponsored)
    expect(await sponsored.verify(credential, ask)).toMatchObject({ kind: 'valid' })
    const { paid } = credential.payload as { paid: { hash: Hex } }
    const settled = await sponsored.settle(credential, { amount: '50000' })
    expect(settled).toMatchObject({ kind: 'settled', receipt: { transaction: paid.hash } })
    expect(stand.chain.balanceOf(payer.address)).toBe(0n)
    expect(stand.chain.balanceOf(sponsor.address)).toBeGreaterThan(990_000n)
    expect(await sponsored.find(credential, { amount: '50000' }, 0)).toMatchObject({ kind: 'paid' })
  })

  it('does not pay for gas without bound', async () => {
    const sponsored = createSponsored()
    const challenge = await stand.readChallenge(sponsored)
    const made = await stand.sign(challenge)
    const { signature } = made.payload as { signature: TxEnvelopeTempo.Serialized }
    const { signature: _, from: __, ...envelope } = TxEnvelopeTempo.deserialize(signature)
    const wallet = createWallet()
    const dear = { ...envelope, maxFeePerGas: 10n ** 15n }
    const signed = wallet.sign(TxEnvelopeTempo.getSignPayload(dear as never))
    const raw = TxEnvelopeTempo.serialize(dear as never, { signature: signed })
    const credential = stand.read({ ...made, payload: { type: 'transaction', signature: raw } }, sponsored)
    expect(await sponsored.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_fee' })
  })

  it('does not send what would fail by now: that costs the sponsor, and the payer nothing', async () => {
    const sponsored = createSponsored()
    const payer = stand.createPayer(50_000n)
    const [one, two] = await Promise.all(
      [1, 2].map(async () => stand.read(await stand.sign(await stand.readChallenge(sponsored), payer), sponsored)),
    )
    for (const credential of [one!, two!])
      expect(await sponsored.verify(credential, ask)).toMatchObject({ kind: 'valid' })
    expect(await sponsored.settle(one!, { amount: '50000' })).toMatchObject({ kind: 'settled' })
    const before = stand.chain.balanceOf(sponsor.address)
    expect(await sponsored.settle(two!, { amount: '50000' })).toMatchObject({ kind: 'unknown' })
    expect(stand.chain.balanceOf(sponsor.address)).toBe(before)
  })

  it('that is empty makes the payment unavailable, not refused', async () => {
    const poor = stand.create({ sponsorKey: createWallet().privateKey })
    const credential = stand.read(await stand.sign(await stand.readChallenge(poor)), poor)
    expect(await poor.verify(credential, ask)).toMatchObject({ kind: 'unavailable' })
  })

  it('who is gone by the time leaves a transaction that cannot be sent: refused', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge(createSponsored())))
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'sponsor_not_offered' })
  })

  it('is not there for a challenge that offered none', async () => {
    const sponsored = createSponsored()
    const made = await stand.sign(await stand.readChallenge(sponsored))
    const credential = stand.read({ ...made, challenge: await stand.readChallenge() })
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'sponsor_not_offered' })
  })
})
