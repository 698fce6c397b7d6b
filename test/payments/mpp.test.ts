import type { Challenge } from 'mppx'
import { type SignatureEnvelope, TxEnvelopeTempo } from 'ox/tempo'
import { type Hex, maxUint256 } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { PaymentProtocol } from '../../src/payments/protocol.ts'
import { createTempo } from '../../src/payments/tempo.ts'
import { createP256Wallet, createWallet, signEnvelope, type TempoWallet } from '../local/tempo-wallet.ts'
import { ask, type MppStand, payTo, seconds, startMpp } from './mpp-stand.ts'

let stand: MppStand
let protocol: PaymentProtocol
beforeAll(async () => {
  stand = await startMpp()
  protocol = stand.protocol
})
afterAll(() => stand.chain.stop())
afterEach(() => vi.useRealTimers())

/** The protocol over a node that says for ever what it says now: the dev chain keeps its time by the clock tests move. */
async function freeze(hash: Hex | null): Promise<PaymentProtocol> {
  const tempo = createTempo(stand.chain.rpc)
  const head = await tempo.readHead()
  const execution = hash && (await tempo.readExecution(hash))
  return stand.create({}, { ...tempo, readHead: async () => head, readExecution: async () => execution })
}

describe('a pull payment of the stock client', () => {
  it('is valid, settles once, and is found on chain after that', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge()))
    const before = stand.chain.balanceOf(payTo)
    const verdict = await protocol.verify(credential, ask)
    expect(verdict).toMatchObject({ kind: 'valid', terms: { amount: '50000' }, moneyFirst: false })
    expect(await protocol.find(credential, { amount: '50000' }, 0)).toEqual({ kind: 'unused' })
    const settled = await protocol.settle(credential, { amount: '50000' })
    expect(settled).toMatchObject({ kind: 'settled', receipt: { network: 'eip155:42431', amount: '50000' } })
    expect(await protocol.find(credential, { amount: '50000' }, 0)).toMatchObject({ kind: 'paid' })
    expect((await protocol.settle(credential, { amount: '50000' })).kind).toBe('unknown')
    expect(stand.chain.balanceOf(payTo) - before).toBe(50_000n)
  })

  it('gets a receipt that names its transaction', async () => {
    const receipt = {
      transaction: '0xabc',
      network: 'eip155:42431',
      payer: '0x1',
      amount: '50000',
      at: 1_700_000_000_000,
    }
    const [[name, value] = ['', '']] = protocol.receiptHeaders(
      receipt,
      stand.read(await stand.sign(await stand.readChallenge())),
    )
    expect(name).toBe('Payment-Receipt')
    expect(JSON.parse(Buffer.from(value, 'base64url').toString())).toEqual({
      method: 'tempo',
      status: 'success',
      reference: '0xabc',
      timestamp: '2023-11-14T22:13:20.000Z',
    })
  })

  it('must outlive the work by five seconds to be sent after it', () => {
    expect(protocol.needsSeconds(10)).toBe(15)
  })

  it('can never come once a block lies half a minute past its end', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge()))
    const ended = { ...credential, validBefore: seconds() - 40 }
    expect(await protocol.find(ended, { amount: '50000' }, 0)).toEqual({ kind: 'dead', reason: 'transaction_expired' })
    const ending = { ...credential, validBefore: seconds() - 20 }
    expect(await protocol.find(ending, { amount: '50000' }, 0)).toEqual({ kind: 'unused' })
  })
})

describe('a challenge', () => {
  it('is a secret of its payer: no key or log holds its id', async () => {
    const challenge = await stand.readChallenge()
    expect(stand.read(await stand.sign(challenge)).key).not.toContain(challenge.id)
  })

  it('of another network is refused', async () => {
    const other = await stand.readChallenge(stand.create({ chainId: 4217 }))
    const { payload } = await stand.sign(await stand.readChallenge())
    const verdict = await protocol.verify(stand.read({ challenge: other, payload }), ask)
    expect(verdict).toEqual({ kind: 'refused', reason: 'invalid_challenge' })
  })

  it('is never the same twice, and bound to its route', async () => {
    const [one, two] = [await stand.readChallenge(), await stand.readChallenge()]
    expect(one.id).not.toBe(two.id)
    const other = await stand.readChallenge(protocol, { ...ask, route: '/v1/images/generate' })
    expect(await protocol.verify(stand.read(await stand.sign(other)), ask)).toEqual({
      kind: 'refused',
      reason: 'invalid_challenge',
    })
  })

  it('holds its price when the price has changed since', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge()))
    const verdict = await protocol.verify(credential, { ...ask, price: '0.06' })
    expect(verdict).toMatchObject({ kind: 'valid', terms: { amount: '50000' } })
  })

  it('holds after its secret was rotated, and not after the next rotation', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge()))
    const rotated = stand.create({ secretKey: 'n'.repeat(32), previousSecretKey: 'k'.repeat(32) })
    expect(await rotated.verify(credential, ask)).toMatchObject({ kind: 'valid' })
    const again = stand.create({ secretKey: 'o'.repeat(32), previousSecretKey: 'n'.repeat(32) })
    expect(await again.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_challenge' })
  })

  it('is refused once it is older than five minutes', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge()))
    const frozen = await freeze(null)
    vi.useFakeTimers({ now: Date.now() + 300_001, toFake: ['Date'] })
    const verdict = await frozen.verify(credential, ask)
    expect(verdict).toEqual({ kind: 'refused', reason: 'challenge_expired' })
  })

  it.each([
    ['a lower price', (c: Challenge.Challenge) => ({ request: { ...c.request, amount: '1' } })],
    [
      'another recipient',
      (c: Challenge.Challenge) => ({ request: { ...c.request, recipient: createWallet().address } }),
    ],
    ['another realm', () => ({ realm: 'evil.example' })],
    ['a later end', () => ({ expires: new Date(Date.now() + 9e8).toISOString() })],
    ['no end', () => ({ expires: undefined })],
    ['another method', () => ({ method: 'stripe' })],
    ['another id', () => ({ id: 'A'.repeat(43) })],
    ['another route', () => ({ opaque: Buffer.from('{"route":"GET /"}').toString('base64url') })],
  ])('is refused when it is rewritten to %s', async (_, rewrite) => {
    const challenge = await stand.readChallenge()
    const { meta: _meta, ...bare } = challenge
    const made = await stand.sign(challenge)
    const credential = stand.read({ ...made, challenge: { ...bare, ...rewrite(challenge) } })
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_challenge' })
  })
})

describe('a transaction that is signed by hand', () => {
  const tooLate = () => seconds() + 60
  it.each([
    ['spends a counting nonce', () => ({ nonceKey: 1n }), 'invalid_nonce'],
    ['has a nonce other than 0', () => ({ nonce: 1n }), 'invalid_nonce'],
    ['has no end', () => ({ validBefore: undefined, nonceKey: maxUint256 }), 'transaction_expired'],
    ['has ended', () => ({ validBefore: seconds() - 1 }), 'transaction_expired'],
    ['ends in more than 30 seconds', () => ({ validBefore: tooLate() }), 'transaction_too_long'],
    ['is not valid yet', () => ({ validAfter: seconds() + 10 }), 'transaction_not_valid_yet'],
    ['is for another chain', () => ({ chainId: 4217 }), 'invalid_network'],
    ['does nothing', () => ({ calls: [{ to: payTo, value: 0n }] }), 'invalid_transfer'],
  ])('and %s is refused, and nothing moves', async (_, change, reason) => {
    const before = stand.chain.balanceOf(payTo)
    const credential = stand.read(await stand.signByHand(await stand.readChallenge(), createWallet(), change()))
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason })
    expect(stand.chain.balanceOf(payTo)).toBe(before)
  })

  it('and ends within 30 seconds is valid, by a p256 key too', async () => {
    const credential = stand.read(await stand.signByHand(await stand.readChallenge(), createP256Wallet()))
    expect(await protocol.verify(credential, ask)).toMatchObject({ kind: 'valid', moneyFirst: false })
  })

  it('and forged for the address of somebody’s p256 key is refused', async () => {
    const victim = createP256Wallet()
    const thief = createP256Wallet()
    const forger: TempoWallet = {
      address: victim.address,
      sign: (payload) =>
        ({ ...thief.sign(payload), publicKey: victim.publicKey }) as SignatureEnvelope.SignatureEnvelope,
    }
    const credential = stand.read(await stand.signByHand(await stand.readChallenge(), forger))
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_signature' })
  })

  it('and signed by an access key is its account’s, and charged first: only the chain knows the key', async () => {
    const [account, accessKey] = [createWallet(), createWallet()]
    const wallet: TempoWallet = {
      address: account.address,
      sign: (payload) => ({ type: 'keychain', userAddress: account.address, inner: accessKey.sign(payload) }) as never,
    }
    const credential = stand.read(await stand.signByHand(await stand.readChallenge(), wallet))
    expect(credential.payer.toLowerCase()).toBe(account.address)
    expect(await protocol.verify(credential, ask)).toMatchObject({ kind: 'valid', payer: null, moneyFirst: true })
  })

  it('and with the twin of a signature is refused, as nodes refuse it', async () => {
    const wallet = createWallet()
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const twin: TempoWallet = {
      address: wallet.address,
      sign: (payload) => {
        const { signature } = wallet.sign(payload) as { signature: { r: bigint; s: bigint; yParity: number } }
        const mirrored = { r: signature.r, s: order - signature.s, yParity: 1 - signature.yParity }
        return { type: 'secp256k1', signature: mirrored } as SignatureEnvelope.SignatureEnvelope
      },
    }
    const credential = stand.read(await stand.signByHand(await stand.readChallenge(), twin))
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_signature' })
  })

  it('and paid from a wallet that holds the price and not the fee is refused', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge(), stand.createPayer(50_000n)))
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'insufficient_funds' })
  })

  it('and paid from an empty wallet is refused', async () => {
    const challenge = await stand.readChallenge()
    const made = await stand.sign(challenge, stand.createPayer(60_000n))
    const { signature } = made.payload as { signature: Hex }
    const poor = createWallet()
    const envelope = TxEnvelopeTempo.deserialize(signature as TxEnvelopeTempo.Serialized)
    const { signature: _, from: __, ...bare } = envelope
    const raw = signEnvelope(poor, bare as never)
    const credential = stand.read({ ...made, payload: { type: 'transaction', signature: raw } })
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'transaction_would_fail' })
  })

  it('for another challenge is used up: it paid for something, and a 402 would ask for more: its memo says so', async () => {
    const [one, two] = [await stand.readChallenge(), await stand.readChallenge()]
    const { payload } = await stand.sign(one)
    const credential = stand.read({ challenge: two, payload })
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_memo' })
  })
})

describe('a push payment', () => {
  async function push(challenge: Challenge.Challenge) {
    const pulled = stand.read(await stand.sign(challenge))
    const settled = await protocol.settle(pulled, { amount: '50000' })
    if (settled.kind !== 'settled') throw new Error(settled.cause)
    return { challenge, payload: { type: 'hash', hash: settled.receipt.transaction } }
  }

  it('is honoured with the receipt it already has, whatever its age', async () => {
    const pushed = await push(await stand.readChallenge())
    const frozen = await freeze(pushed.payload.hash as Hex)
    vi.useFakeTimers({ now: Date.now() + 86_400_000, toFake: ['Date'] })
    const verdict = await frozen.verify(stand.read(pushed), ask)
    expect(verdict).toMatchObject({ kind: 'valid', receipt: { transaction: pushed.payload.hash, amount: '50000' } })
  })

  it('for another challenge is used up: it paid for something, and a 402 would ask for more', async () => {
    const { payload } = await push(await stand.readChallenge())
    const credential = stand.read({ challenge: await stand.readChallenge(), payload })
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'used' })
  })

  it('is a pull transaction too whose payer sent it: it is honoured, not refused', async () => {
    const credential = stand.read(await stand.sign(await stand.readChallenge(), stand.createPayer(52_000n)))
    await protocol.settle(credential, { amount: '50000' })
    // By now the payer could not pay again: the simulation fails.
    expect(await protocol.verify(credential, ask)).toMatchObject({ kind: 'valid', receipt: { amount: '50000' } })
  })

  it('is not a pull transaction that was executed in vain: it can never pay, so nobody works for it', async () => {
    const payer = stand.createPayer(60_000n)
    const [first, credential] = [
      stand.read(await stand.sign(await stand.readChallenge(), payer)),
      stand.read(await stand.sign(await stand.readChallenge(), payer)),
    ]
    // The first takes what the second would need.
    expect(await protocol.settle(first, { amount: '50000' })).toMatchObject({ kind: 'settled' })
    expect(await protocol.settle(credential, { amount: '50000' })).toMatchObject({ kind: 'unknown' })
    stand.chain.mint(credential.payer as Hex, 1_000_000n)
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'transaction_failed' })
  })

  it('to an address that was ours when the challenge was made is honoured', async () => {
    const pushed = await push(await stand.readChallenge())
    const moved = stand.create({ payTo: createWallet().address })
    expect(await moved.verify(stand.read(pushed), ask)).toMatchObject({ kind: 'valid', receipt: { amount: '50000' } })
  })

  it('that no block holds may still come: nobody is asked to pay again', async () => {
    const challenge = await stand.readChallenge()
    const credential = stand.read({ challenge, payload: { type: 'hash', hash: `0x${'12'.repeat(32)}` } })
    expect(await protocol.verify(credential, ask)).toMatchObject({ kind: 'unavailable' })
  })
})
