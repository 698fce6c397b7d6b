import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Chain } from '../../src/payments/chain.ts'
import type { Facilitator } from '../../src/payments/facilitator.ts'
import type { Ask, Credential, Finding } from '../../src/payments/protocol.ts'
import { assets, createX402, type X402Config } from '../../src/payments/protocols/x402.ts'

const network = 'eip155:84532'
const asset = assets[network]
const payTo = '0x14dC79964da2C08b23698B3D3cc7Ca32193d9955'
const config: X402Config = {
  network,
  payTo,
  facilitator: { url: 'http://facilitator.invalid', cdp: null },
  rpcUrl: 'http://rpc.invalid',
  challengeSecret: 's'.repeat(32),
}
const ask: Ask = {
  method: 'POST',
  route: '/v1/remove-background',
  resource: 'https://pixtoll.example/v1/remove-background',
  realm: 'pixtoll.example',
  description: 'x',
  mimeType: 'image/png',
  price: '0.05',
}
const payer = privateKeyToAccount(generatePrivateKey())

/** The protocol over a facilitator and a chain that say what a test wants. */
function createScripted(says: { verify?: object; find?: Finding; hasCode?: boolean; mayAsk?: boolean } = {}) {
  const asked: string[] = []
  const facilitator: Facilitator = {
    async verify() {
      asked.push('verify')
      return { isValid: true, ...says.verify }
    },
    settle: async () => ({ success: false, transaction: '', network }),
    ping: async () => {},
  }
  const chain: Chain = {
    height: async () => 1_000,
    chainId: async () => 84532,
    balanceOf: async () => 0n,
    hasCode: async () => says.hasCode ?? false,
    find: async () => says.find ?? { kind: 'unused' },
  }
  return { asked, protocol: createX402(config, { facilitator, chain, mayAsk: () => says.mayAsk ?? true }) }
}

const field = (name: string, type: string) => ({ name, type })
const types = {
  TransferWithAuthorization: [
    ...[field('from', 'address'), field('to', 'address'), field('value', 'uint256'), field('validAfter', 'uint256')],
    ...[field('validBefore', 'uint256'), field('nonce', 'bytes32')],
  ],
}

/** A credential as the protocol reads it; `replay` is the echoed token. */
async function pay(value = '50000', replay?: string): Promise<Credential> {
  const validBefore = `${Math.floor(Date.now() / 1000) + 100}`
  const nonce = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}` as const
  const authorization = { from: payer.address, to: payTo, value, validAfter: '0', validBefore, nonce }
  const domain = { name: asset.name, version: asset.version, chainId: 84532, verifyingContract: asset.address }
  const signature = await payer.signTypedData({
    domain,
    types,
    primaryType: 'TransferWithAuthorization',
    message: authorization,
  })
  const accepted = { scheme: 'exact', network, ...(replay && { extra: { replay } }) }
  const header = Buffer.from(JSON.stringify({ x402Version: 2, accepted, payload: { authorization, signature } }))
  const credential = createScripted().protocol.read(new Headers({ 'payment-signature': header.toString('base64') }))
  if (!credential) throw new Error('no credential')
  return credential
}

async function readToken(asked: Ask): Promise<string> {
  const { headers } = await createScripted().protocol.challenge(asked, { error: 'payment_required', message: '' })
  const [, value = ''] = headers.find(([name]) => name === 'PAYMENT-REQUIRED') ?? []
  return JSON.parse(Buffer.from(value, 'base64').toString()).accepts[0].extra.replay
}

afterEach(() => vi.useRealTimers())

describe('a challenge that is echoed', () => {
  it('holds its own price when the price has changed since', async () => {
    const credential = await pay('50000', await readToken(ask))
    const verdict = await createScripted().protocol.verify(credential, { ...ask, price: '0.06' })
    expect(verdict).toMatchObject({ kind: 'valid', terms: { amount: '50000' } })
  })

  it('holds it for five minutes', async () => {
    const token = await readToken(ask)
    vi.useFakeTimers({ now: Date.now() + 301_000, toFake: ['Date'] })
    const verdict = await createScripted().protocol.verify(await pay('50000', token), { ...ask, price: '0.06' })
    expect(verdict).toEqual({ kind: 'refused', reason: 'invalid_exact_evm_payload_authorization_value_mismatch' })
  })

  it('of another route is refused, and nobody is asked', async () => {
    const { protocol, asked } = createScripted()
    const credential = await pay('50000', await readToken({ ...ask, route: '/v1/images/generate' }))
    expect(await protocol.verify(credential, ask)).toEqual({ kind: 'refused', reason: 'invalid_challenge' })
    expect(asked).toEqual([])
  })

  it('is not needed: today’s price is taken without one', async () => {
    const { protocol } = createScripted()
    expect(await protocol.verify(await pay('50000'), ask)).toMatchObject({ kind: 'valid' })
    expect(await protocol.verify(await pay('60000'), ask)).toMatchObject({ kind: 'refused' })
  })
})

describe('a facilitator that says no', () => {
  const no = (invalidReason?: string) => ({ isValid: false, ...(invalidReason && { invalidReason }) })
  it.each([
    ['insufficient_funds', 'refused'],
    ['invalid_exact_evm_insufficient_balance', 'refused'],
    ['invalid_exact_evm_transaction_simulation_failed', 'unavailable'],
    ['unexpected_verify_error', 'unavailable'],
    [undefined, 'unavailable'],
  ])('for the reason %s, with a free nonce: %s', async (reason, kind) => {
    const { protocol } = createScripted({ verify: no(reason) })
    expect(await protocol.verify(await pay(), ask)).toMatchObject({ kind })
  })

  it.each([
    [
      'paid us',
      { kind: 'paid', receipt: { transaction: '0x1', network, payer: '0x2', amount: '50000', at: 0 } },
      'used',
    ],
    ['paid somebody else', { kind: 'dead', reason: 'authorization_spent_elsewhere' }, 'used'],
    ['was used nobody knows how', { kind: 'unknown', cause: '' }, 'used'],
    ['was cancelled', { kind: 'dead', reason: 'authorization_cancelled' }, 'refused'],
  ] as const)('for whatever reason, with a nonce that %s: never 402 unless it was cancelled', async (_, find, kind) => {
    const { protocol } = createScripted({ verify: no('invalid_exact_evm_transaction_simulation_failed'), find })
    expect(await protocol.verify(await pay(), ask)).toMatchObject({ kind })
  })
})

describe('a signature that is not the payer’s', () => {
  const forge = async () => {
    const [one, two] = [await pay(), await pay()]
    const { signature } = two.payload as { signature: string }
    return { ...one, payload: { ...(one.payload as object), signature } }
  }
  it('is refused without asking the facilitator', async () => {
    const { protocol, asked } = createScripted()
    expect(await protocol.verify(await forge(), ask)).toEqual({
      kind: 'refused',
      reason: 'invalid_exact_evm_signature',
    })
    expect(asked).toEqual([])
  })
  it('is looked into 20 times a second, and keeps no honest payer from being judged', async () => {
    const { protocol } = createScripted()
    const forged = await forge()
    const verdicts = await Promise.all(Array.from({ length: 30 }, () => protocol.verify(forged, ask)))
    expect(verdicts.filter(({ kind }) => kind === 'refused')).toHaveLength(20)
    expect(verdicts.filter(({ kind }) => kind === 'unavailable')).toHaveLength(10)
    expect(await protocol.verify(await pay(), ask)).toMatchObject({ kind: 'valid' })
  })
  it('is for the facilitator to judge when the payer is a contract', async () => {
    const { protocol, asked } = createScripted({ hasCode: true })
    await protocol.verify(await forge(), ask)
    expect(asked).toEqual(['verify'])
  })
})

describe('a payer that is a contract', () => {
  it('pays first: it may say yes now, and no on chain', async () => {
    const judge = async (hasCode: boolean) => createScripted({ hasCode }).protocol.verify(await pay(), ask)
    expect(await judge(true)).toMatchObject({ kind: 'valid', moneyFirst: true })
    expect(await judge(false)).toMatchObject({ kind: 'valid', moneyFirst: false })
  })
})

describe('too many payments at once', () => {
  it('are not judged, and nobody is asked', async () => {
    const { protocol, asked } = createScripted({ mayAsk: false })
    expect(await protocol.verify(await pay(), ask)).toMatchObject({ kind: 'unavailable' })
    expect(asked).toEqual([])
  })
})

describe('a payment with little time left', () => {
  it('is collected before the work below 30 seconds, however short the work', () => {
    expect(createScripted().protocol.needsSeconds(1)).toBe(30)
    expect(createScripted().protocol.needsSeconds(10)).toBe(30)
  })

  it('is collected before the work if it would not outlive that by 20 seconds', () => {
    expect(createScripted().protocol.needsSeconds(65)).toBe(85)
  })
})

describe('prices', () => {
  it.each([
    ['0.05', '50000'],
    ['0.000001', '1'],
    ['0.01', '10000'],
    ['0.25', '250000'],
    ['1', '1000000'],
    ['12.345678', '12345678'],
    ['100000', '100000000000'],
  ] as const)('$%s is %s units', async (price, amount) => {
    const { body } = await createScripted().protocol.challenge({ ...ask, price }, { error: '', message: '' })
    expect(body).toMatchObject({ accepts: [{ maxAmountRequired: amount }] })
  })
})
