import {
  createPublicClient,
  encodeFunctionData,
  getAddress,
  type Hex,
  http,
  keccak256,
  parseEventLogs,
  toHex,
} from 'viem'
import { Abis } from 'viem/tempo'
import { tempoModerato } from 'viem/tempo/chains'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTempoChain, TEMPO_CHAIN_ID, type TempoChain } from '../../workers/local/tempo/chain.ts'
import { ALPHA_USD, FEE_MANAGER, PATH_USD } from '../../workers/local/tempo/tokens.ts'
import { callAt } from './tempo-rpc.ts'
import {
  createEnvelope,
  createMemo,
  createP256Wallet,
  createPasskeyWallet,
  createTransfer,
  createWallet,
  readTime,
  signEnvelope,
  signTransfer,
  type TempoWallet,
} from './tempo-wallet.ts'

let chain: TempoChain
beforeAll(async () => {
  chain = await startTempoChain({ syncTimeoutMs: 60 })
})
afterAll(() => chain.stop())

const call = (method: string, params: unknown[] = []) => callAt(chain.rpc, method, params)

const send = (raw: Hex) => call('eth_sendRawTransactionSync', [raw])
const readReceipt = async (hash: unknown) => (await call('eth_getTransactionReceipt', [hash])).result
const createReader = () => createPublicClient({ chain: tempoModerato, transport: http(chain.rpc, { retryCount: 0 }) })

/** A wallet with ten dollars. */
function createPayer<Wallet extends TempoWallet>(wallet: Wallet): Wallet {
  chain.mint(wallet.address, 10_000_000n)
  return wallet
}

const readSupply = async () => {
  const data = encodeFunctionData({ abi: Abis.tip20, functionName: 'totalSupply' })
  return BigInt((await call('eth_call', [{ to: PATH_USD, data }, 'latest'])).result as Hex)
}

describe('a transfer', () => {
  it.each([
    ['an ordinary key', createWallet],
    ['a p256 key', createP256Wallet],
    ['a passkey', createPasskeyWallet],
  ])('by %s moves exactly the amount, and the fee to the fee manager', async (_, create) => {
    const payer = createPayer(create())
    const receiver = createWallet().address
    const memo = createMemo()
    const [supply, collected] = [await readSupply(), chain.balanceOf(FEE_MANAGER)]
    const { result } = await send(signEnvelope(payer, createEnvelope([createTransfer(receiver, 50_000n, memo)])))
    const { transactionHash } = result as { transactionHash: Hex }
    const receipt = await createReader().getTransactionReceipt({ hash: transactionHash })
    expect(receipt).toMatchObject({ status: 'success', from: payer.address, feePayer: payer.address })

    const fee = chain.balanceOf(FEE_MANAGER) - collected
    expect(fee).toBe(1480n)
    expect([chain.balanceOf(receiver), chain.balanceOf(payer.address)]).toEqual([50_000n, 9_950_000n - fee])
    expect(await readSupply()).toBe(supply)

    const events = parseEventLogs({ abi: Abis.tip20, logs: receipt.logs })
    expect(events.map(({ eventName }) => eventName)).toEqual(['Transfer', 'TransferWithMemo', 'Transfer'])
    expect(events[1]?.args).toMatchObject({ amount: 50_000n, memo })
    expect(events[2]?.args).toMatchObject({ amount: fee, to: getAddress(FEE_MANAGER) })
  })

  it('is found again by its memo, with eth_getLogs', async () => {
    const payer = createPayer(createWallet())
    const memo = createMemo()
    const start = (await call('eth_blockNumber')).result as Hex
    const { result } = await send(signEnvelope(payer, createEnvelope([createTransfer(payer.address, 1n, memo)])))
    const { transactionHash } = result as { transactionHash: Hex }
    const [event] = Abis.tip20.filter((item) => item.type === 'event' && item.name === 'TransferWithMemo')
    const filter = { address: PATH_USD, fromBlock: BigInt(start), toBlock: 'latest' } as const
    const find = (memo: Hex) => createReader().getLogs({ ...filter, event: event as never, args: { memo } as never })
    expect(await find(memo)).toMatchObject([{ transactionHash }])
    expect(await find(createMemo())).toEqual([])
    const later = await call('eth_getLogs', [{ fromBlock: start, toBlock: toHex(10n ** 6n) }])
    expect(later.error).toMatchObject({ code: -32602 })
  })

  it('of a batch happens as a whole or not at all; one that reverts pays its fee', async () => {
    const payer = createPayer(createWallet())
    const receiver = createWallet().address
    const calls = [createTransfer(receiver, 9_000_000n), createTransfer(receiver, 9_000_000n)]
    const { result } = await send(signEnvelope(payer, createEnvelope(calls)))
    expect(result).toMatchObject({ status: '0x0', logs: [{ address: PATH_USD }] })
    expect([chain.balanceOf(receiver), chain.balanceOf(payer.address)]).toEqual([0n, 10_000_000n - 1080n])
  })

  it('cannot spend what the fee needs', async () => {
    const payer = createWallet()
    chain.mint(payer.address, 51_000n)
    const receiver = createWallet().address
    const { result } = await send(signTransfer(payer, receiver, 50_000n))
    expect([(result as { status: Hex }).status, chain.balanceOf(receiver)]).toEqual(['0x0', 0n])
  })

  it('of another token leaves pathUSD alone', async () => {
    const payer = createWallet()
    await call('tempo_fundAddress', [payer.address])
    const receiver = createWallet().address
    const { result } = await send(
      signEnvelope(payer, createEnvelope([createTransfer(receiver, 50_000n, createMemo(), ALPHA_USD)])),
    )
    expect(result).toMatchObject({ status: '0x1', feeToken: ALPHA_USD })
    expect([chain.balanceOf(receiver), chain.balanceOf(payer.address)]).toEqual([0n, 10n ** 12n])
  })

  it('with a sponsor costs the payer nothing more', async () => {
    const sponsor = createPayer(createWallet())
    const payer = createWallet()
    chain.mint(payer.address, 50_000n)
    const receiver = createWallet().address
    const { result } = await send(signEnvelope(payer, createEnvelope([createTransfer(receiver, 50_000n)]), sponsor))
    expect(result).toMatchObject({ status: '0x1', from: payer.address, feePayer: sponsor.address })
    const owners = [payer.address, receiver, sponsor.address]
    expect(owners.map(chain.balanceOf)).toEqual([0n, 50_000n, 10_000_000n - 1480n])
  })
})

describe('stopped mining', () => {
  it('lets transactions wait, as a timed-out broadcast shows, until it goes on', async () => {
    const payer = createPayer(createWallet())
    const receiver = createWallet().address
    const raw = signTransfer(payer, receiver, 50_000n)
    await call('evm_setAutomine', [false])
    const { error } = await send(raw)
    expect(error).toMatchObject({ code: 4, data: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
    const hash = error?.data
    expect(await readReceipt(hash)).toBeNull()
    expect((await call('eth_getTransactionByHash', [hash])).result).toMatchObject({ hash, blockNumber: null })
    expect((await send(raw)).error?.message).toBe('already known')
    expect(chain.balanceOf(receiver)).toBe(0n)
    await call('evm_setAutomine', [true])
    expect(await readReceipt(hash)).toMatchObject({ status: '0x1' })
    expect(await createReader().getTransaction({ hash: hash as Hex })).toMatchObject({ hash, from: payer.address })
    expect(chain.balanceOf(receiver)).toBe(50_000n)
  })

  it('answers with the receipt when the block comes in time', async () => {
    const patient = await startTempoChain({ syncTimeoutMs: 10_000 })
    const payer = createWallet()
    patient.mint(payer.address, 10_000_000n)
    await callAt(patient.rpc, 'evm_setAutomine', [false])
    const raw = signTransfer(payer, payer.address, 1n)
    const sent = callAt(patient.rpc, 'eth_sendRawTransactionSync', [raw])
    const hash = keccak256(raw)
    const find = async () => (await callAt(patient.rpc, 'eth_getTransactionByHash', [hash])).result
    await expect.poll(find).toMatchObject({ hash })
    await callAt(patient.rpc, 'evm_mine')
    expect((await sent).result).toMatchObject({ status: '0x1' })
    await patient.stop()
  })

  it('drops what expires meanwhile', async () => {
    const slow = await startTempoChain()
    const ask = async (method: string, ...params: unknown[]) => (await callAt(slow.rpc, method, params)).result
    const payer = createWallet()
    slow.mint(payer.address, 10_000_000n)
    await ask('evm_setAutomine', false)
    const hash = await ask('eth_sendRawTransaction', signTransfer(payer, createWallet().address, 1n))
    await ask('evm_increaseTime', 60)
    await ask('evm_setAutomine', true)
    expect(await ask('eth_getTransactionReceipt', hash)).toBeNull()
    expect(await ask('eth_getTransactionByHash', hash)).toBeNull()
    expect(slow.balanceOf(payer.address)).toBe(10_000_000n)
    const { timestamp } = (await ask('eth_getBlockByNumber', 'latest', false)) as { timestamp: Hex }
    expect(Number(timestamp) - readTime()).toBeGreaterThanOrEqual(60)
    await slow.stop()
  })
})

describe('calls', () => {
  it('say why a transfer would revert: code 3 with the ABI-encoded error', async () => {
    const poor = createWallet().address
    const request = { from: poor, calls: [createTransfer(createWallet().address, 5n)] }
    for (const method of ['eth_call', 'eth_estimateGas']) {
      expect((await call(method, [request, 'latest'])).error).toEqual({
        code: 3,
        message: 'execution reverted: InsufficientBalance',
        data: expect.stringMatching(/^0x[0-9a-f]{200}/),
      })
    }
  })

  it('tell the token, the chain and the faucet', async () => {
    const reader = createReader()
    const contract = { address: PATH_USD, abi: Abis.tip20 } as const
    expect(await reader.readContract({ ...contract, functionName: 'symbol' })).toBe('pathUSD')
    expect(await reader.readContract({ ...contract, functionName: 'decimals' })).toBe(6)
    expect(await reader.getChainId()).toBe(TEMPO_CHAIN_ID)
    const { address } = createWallet()
    await call('tempo_fundAddress', [address])
    expect(await reader.readContract({ ...contract, functionName: 'balanceOf', args: [address] })).toBe(10n ** 12n)
  })

  it.each([
    ['an unknown method', 'eth_fillTransaction', [], -32601],
    ['a method that the object prototype has', 'toString', [], -32601],
    ['parameters that are none', 'eth_getTransactionReceipt', ['0x12'], -32602],
    ['an old state', 'eth_call', [{ to: PATH_USD, data: '0x313ce567' }, '0x0'], -32000],
    ['a call elsewhere', 'eth_call', [{ to: createWallet().address, data: '0x313ce567' }], -32000],
  ])('refuse %s', async (_, method, params, code) => {
    expect((await call(method, params)).error?.code).toBe(code)
  })
})
