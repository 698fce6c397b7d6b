import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Chain, startChain } from '../../workers/local/chain.ts'
import { MULTICALL3 } from '../../workers/local/engine.ts'
import { tokenAbi } from '../../workers/local/token.ts'
import { deriveAccount } from '../../workers/local/wallets.ts'
import { type Authorization, signAuthorization } from './authorization.ts'

let chain: Chain

beforeAll(async () => {
  chain = await startChain()
})
afterAll(() => chain.stop())

const createPayer = () => privateKeyToAccount(generatePrivateKey())
const createReceiver = () => createPayer().address

async function post(body: string): Promise<unknown> {
  const response = await fetch(chain.rpc, { method: 'POST', body })
  return response.json()
}

const call = (method: string, params: unknown[] = []) =>
  post(JSON.stringify({ jsonrpc: '2.0', id: 7, method, params })) as Promise<Record<string, unknown>>

const readBalance = (owner: `0x${string}`) =>
  chain.client.readContract({ address: chain.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [owner] })

/** Sends the transfer as anybody may, without asking first whether it would fail. */
function submit({ from, to, value, validAfter, validBefore, nonce, signature }: Authorization) {
  return chain.client.writeContract({
    address: chain.usdc,
    abi: tokenAbi,
    functionName: 'transferWithAuthorization',
    args: [from, to, value, validAfter, validBefore, nonce, signature],
    gas: 200_000n,
  })
}

async function readStatus(hash: `0x${string}`): Promise<string | undefined> {
  const receipt = await call('eth_getTransactionReceipt', [hash])
  return (receipt.result as { status: string } | null)?.status
}

describe('the token', () => {
  it('stands at the address of the real USDC of Base Sepolia, with its EIP-712 name and version', async () => {
    const read = (functionName: 'name' | 'version') =>
      chain.client.readContract({ address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', abi: tokenAbi, functionName })
    expect(await Promise.all([read('name'), read('version')])).toEqual(['USDC', '2'])
    expect(await chain.client.getChainId()).toBe(84532)
  })

  it('has Multicall3 beside it, which facilitators ask', async () => {
    expect(await chain.client.getCode({ address: MULTICALL3 })).toMatch(/^0x[0-9a-f]{100}/)
  })

  it('gives to whom it is minted exactly that', async () => {
    const owners = [createReceiver(), createReceiver()] as const
    await Promise.all([chain.mint(owners[0], 5n), chain.mint(owners[1], 1_000_000n)])
    expect(await Promise.all(owners.map(readBalance))).toEqual([5n, 1_000_000n])
  })

  it('moves an authorized transfer once, and then refuses its nonce in the words of the real token', async () => {
    const payer = createPayer()
    const receiver = createReceiver()
    await chain.mint(payer.address, 100n)
    const authorization = await signAuthorization(payer, receiver, 40n)
    const [first, second] = [await submit(authorization), await submit(authorization)]
    expect([await readStatus(first), await readStatus(second)]).toEqual(['0x1', '0x0'])
    expect([await readBalance(payer.address), await readBalance(receiver)]).toEqual([60n, 40n])
    const { input } = await chain.client.getTransaction({ hash: second })
    expect((await call('eth_call', [{ to: chain.usdc, data: input }, 'latest'])).error).toMatchObject({
      code: 3,
      message: 'execution reverted: FiatTokenV2: authorization is used or canceled',
    })
  })

  it('refuses a transfer whose amount is not the signed one', async () => {
    const payer = createPayer()
    await chain.mint(payer.address, 100n)
    const authorization = await signAuthorization(payer, createReceiver(), 40n)
    expect(await readStatus(await submit({ ...authorization, value: 41n }))).toBe('0x0')
    expect(await readBalance(payer.address)).toBe(100n)
  })
})

describe('mining', () => {
  it('waits while automine is off, and mines what waited when it is on again', async () => {
    const receiver = createReceiver()
    const payer = createPayer()
    await chain.mint(payer.address, 9n)
    await chain.client.setAutomine(false)
    const hash = await submit(await signAuthorization(payer, receiver, 9n))
    expect([await readStatus(hash), await readBalance(receiver)]).toEqual([undefined, 0n])
    await chain.client.setAutomine(true)
    expect([await readStatus(hash), await readBalance(receiver)]).toEqual(['0x1', 9n])
  })

  it('goes block by block on request while automine is off', async () => {
    await chain.client.setAutomine(false)
    const hash = await submit(await signAuthorization(createPayer(), createReceiver(), 0n))
    await call('evm_mine')
    expect(await readStatus(hash)).toBe('0x1')
    await chain.client.setAutomine(true)
  })

  it('keeps a transaction whose nonce comes early until the gap before it is filled', async () => {
    const sender = deriveAccount(1)
    const send = (nonce: number) =>
      chain.client.sendTransaction({ account: sender, to: sender.address, value: 0n, nonce, gas: 21_000n })
    const early = await send(1)
    expect(await readStatus(early)).toBeUndefined()
    const first = await send(0)
    await call('evm_mine')
    expect([await readStatus(first), await readStatus(early)]).toEqual(['0x1', '0x1'])
  })

  it('forgets a moved clock when a snapshot is reverted', async () => {
    const snapshot = await chain.client.snapshot()
    await chain.client.increaseTime({ seconds: 3600 })
    await chain.client.mine({ blocks: 1 })
    await chain.client.revert({ id: snapshot })
    const { timestamp } = await chain.client.getBlock()
    expect(Math.abs(Number(timestamp) - Date.now() / 1000)).toBeLessThan(60)
  })
})

describe('JSON-RPC', () => {
  it('says reverts as geth does: code 3, the text, the data', async () => {
    const transfer = {
      from: createReceiver(),
      to: chain.usdc,
      data: `0xa9059cbb${'11'.repeat(20).padStart(64, '0')}${'01'.repeat(32)}`,
    }
    expect((await call('eth_estimateGas', [transfer])).error).toEqual({
      code: 3,
      message: 'execution reverted: ERC20: transfer amount exceeds balance',
      data: expect.stringMatching(/^0x08c379a0/),
    })
  })

  it('answers a batch in its order, each under its id', async () => {
    const batch = ['eth_chainId', 'eth_blockNumber'].map((method, id) => ({ jsonrpc: '2.0', id, method, params: [] }))
    expect(await post(JSON.stringify(batch))).toMatchObject([{ id: 0, result: '0x14a34' }, { id: 1 }])
  })

  it.each([
    ['no JSON', '{', -32700],
    ['null', 'null', -32600],
    ['an empty batch', '[]', -32600],
    ['a request without method', '{"id":1}', -32600],
  ])('answers %s with a JSON-RPC error', async (_, body, code) => {
    expect(await post(body)).toMatchObject({ jsonrpc: '2.0', error: { code } })
  })

  it('answers a method that it does not know with an error under the same id', async () => {
    expect(await call('eth_nothing')).toMatchObject({ id: 7, error: { message: expect.any(String) } })
  })
})

it('stands in for Base too, with the name that USDC has there', async () => {
  const base = await startChain({ chainId: 8453 })
  try {
    const contract = { address: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', abi: tokenAbi } as const
    expect(await base.client.readContract({ ...contract, functionName: 'name' })).toBe('USD Coin')
  } finally {
    await base.stop()
  }
})
