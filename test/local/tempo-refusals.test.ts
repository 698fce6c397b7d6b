import { SignatureEnvelope, TxEnvelopeTempo } from 'ox/tempo'
import { type Address, encodeFunctionData, type Hex } from 'viem'
import { Abis } from 'viem/tempo'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTempoChain, type TempoChain } from '../../workers/local/tempo/chain.ts'
import { FEE_MANAGER, PATH_USD } from '../../workers/local/tempo/tokens.ts'
import { callAt } from './tempo-rpc.ts'
import {
  createEnvelope,
  createP256Wallet,
  createTransfer,
  createWallet,
  type Envelope,
  readTime,
  signEnvelope,
  type TempoWallet,
} from './tempo-wallet.ts'

let chain: TempoChain
beforeAll(async () => {
  chain = await startTempoChain({ syncTimeoutMs: 60 })
})
afterAll(() => chain.stop())

const call = (method: string, params: unknown[] = []) => callAt(chain.rpc, method, params)

const send = (raw: Hex) => call('eth_sendRawTransactionSync', [raw])

/** A wallet with ten dollars. */
function createPayer<Wallet extends TempoWallet>(wallet: Wallet): Wallet {
  chain.mint(wallet.address, 10_000_000n)
  return wallet
}

const readSupply = async () => {
  const data = encodeFunctionData({ abi: Abis.tip20, functionName: 'totalSupply' })
  return BigInt((await call('eth_call', [{ to: PATH_USD, data }, 'latest'])).result as Hex)
}

/** Sends what must be refused, and sees that nobody's money moved. */
async function expectRefusal(raw: Hex, payer: Address, reason: RegExp): Promise<void> {
  const before = [chain.balanceOf(payer), await readSupply(), chain.balanceOf(FEE_MANAGER)]
  expect((await send(raw)).error?.message).toMatch(reason)
  expect((await call('eth_sendRawTransaction', [raw])).error?.message).toMatch(reason)
  expect([chain.balanceOf(payer), await readSupply(), chain.balanceOf(FEE_MANAGER)]).toEqual(before)
}

describe('a transaction is refused, and nothing moves, when', () => {
  const transfer = () => [createTransfer(createWallet().address, 50_000n)] as const
  const rows: [string, Partial<Envelope>, RegExp][] = [
    ['it is for another chain', { chainId: 4217 }, /invalid chain id/],
    ['it expires but names no validBefore', { validBefore: undefined }, /validBefore is missing/],
    ['it has expired', { validBefore: readTime() }, /expired/],
    ['it expires in more than 30 s', { validBefore: readTime() + 90 }, /more than 30 s/],
    ['it expires but has a nonce', { nonce: 1n }, /must be 0/],
    ['it is not valid yet', { validAfter: readTime() + 20 }, /not yet valid/],
    ['its nonce leaves a gap', { nonceKey: 5n, nonce: 1n }, /nonce gap/],
    ['it pays less than the base fee', { maxFeePerGas: 19_999_999_999n }, /base fee/],
    ['it has too little gas', { gas: 43_999n }, /intrinsic gas/],
    ['its fee is more than there is', { maxFeePerGas: 10n ** 15n }, /insufficient funds/],
    ['its fee token is none', { feeToken: '0x20c0000000000000000000000000000000000009' }, /invalid fee token/],
    ['it waits for a sponsor', { feePayerSignature: null }, /missing fee payer/],
    ['it sends a value', { calls: [{ ...transfer()[0], value: 1n }] }, /value transfer/],
    ['it calls what is no token', { calls: [{ to: FEE_MANAGER, data: '0x' }] }, /not modelled/],
    ['it creates a contract', { calls: [{ data: '0x00' }] }, /not modelled/],
    ['it calls the token otherwise', { calls: [{ to: PATH_USD, data: '0x12345678' }] }, /not modelled/],
    ['its call has bytes at its end', { calls: [{ to: PATH_USD, data: `${transfer()[0].data}00` }] }, /not modelled/],
  ]
  it.each(rows)('%s', async (_, changes, reason) => {
    const payer = createPayer(createWallet())
    await expectRefusal(signEnvelope(payer, createEnvelope(transfer(), changes)), payer.address, reason)
  })

  it('a stranger signs with the public key of a p256 wallet', async () => {
    const victim = createPayer(createP256Wallet())
    const stranger = createP256Wallet()
    const forger: TempoWallet = {
      address: victim.address,
      sign: (payload) => ({ ...stranger.sign(payload), publicKey: victim.publicKey }) as never,
    }
    const raw = signEnvelope(forger, createEnvelope(transfer()))
    expect(TxEnvelopeTempo.deserialize(raw as `0x76${string}`).from).toBe(victim.address)
    await expectRefusal(raw, victim.address, /invalid signature/)
  })

  it('an access key signs for its account', async () => {
    const payer = createPayer(createWallet())
    const keychain: TempoWallet = {
      address: payer.address,
      sign: (payload) =>
        SignatureEnvelope.from({ type: 'keychain', userAddress: payer.address, inner: payer.sign(payload) }),
    }
    await expectRefusal(signEnvelope(keychain, createEnvelope(transfer())), payer.address, /keychain .*not modelled/)
  })

  it('its counted nonce is spent', async () => {
    const payer = createPayer(createWallet())
    const counted = { nonceKey: 7n, nonce: 0n, validBefore: undefined }
    const sign = (nonce: bigint) => signEnvelope(payer, createEnvelope(transfer(), { ...counted, nonce }))
    expect((await send(sign(0n))).result).toMatchObject({ status: '0x1' })
    await expectRefusal(sign(0n), payer.address, /nonce too low/)
    expect((await send(sign(1n))).result).toMatchObject({ status: '0x1' })
  })

  it('it was mined already, also with another sponsor', async () => {
    const [payer, first, second] = [
      createPayer(createWallet()),
      createPayer(createWallet()),
      createPayer(createWallet()),
    ]
    const envelope = createEnvelope(transfer())
    const raw = signEnvelope(payer, envelope, first)
    expect((await send(raw)).result).toMatchObject({ status: '0x1' })
    await expectRefusal(raw, payer.address, /already known/)
    await expectRefusal(signEnvelope(payer, envelope, second), payer.address, /expiring nonce replay/)
  })

  it('it is no Tempo transaction', async () => {
    await expectRefusal(`0x02${'00'.repeat(80)}`, createWallet().address, /not modelled/)
    await expectRefusal('0x76', createWallet().address, /failed to decode/)
  })
})
