import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Hex, parseAbi, toEventSelector, toHex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Authorization, createChain, type Chain as Reader } from '../../src/payments/chain.ts'
import { type Chain, startChain } from '../../workers/local/chain.ts'

const token = parseAbi([
  'function cancelAuthorization(address, bytes32, bytes)',
  'function transferWithAuthorization(address, address, uint256, uint256, uint256, bytes32, bytes)',
])
const payTo = '0x14dC79964da2C08b23698B3D3cc7Ca32193d9955'
const field = (name: string, type: string) => ({ name, type })

let chain: Chain
let reader: Reader
let payer: PrivateKeyAccount

beforeAll(async () => {
  chain = await startChain()
  reader = createChain(chain.rpc, 'eip155:84532')
  payer = privateKeyToAccount(generatePrivateKey())
  await chain.mint(payer.address, 1_000_000n)
})
afterAll(() => chain.stop())

const authorize = async (validBeforeIn = 300): Promise<Authorization> => ({
  asset: chain.usdc,
  payer: payer.address,
  payTo,
  amount: 50_000n,
  nonce: toHex(crypto.getRandomValues(new Uint8Array(32))),
  validBefore: Number((await chain.client.getBlock()).timestamp) + validBeforeIn,
})
const domain = () => ({ name: 'USDC', version: '2', chainId: 84532, verifyingContract: chain.usdc })
const confirm = async (hash: Hex) => chain.client.waitForTransactionReceipt({ hash })

/** Uses the nonce for a transfer; anyone may send it. */
async function transfer(authorization: Authorization, to: Hex = payTo, value = authorization.amount): Promise<Hex> {
  const message = {
    from: payer.address,
    to,
    value,
    validAfter: 0n,
    validBefore: BigInt(authorization.validBefore),
    nonce: authorization.nonce,
  }
  const names = [
    field('from', 'address'),
    field('to', 'address'),
    field('value', 'uint256'),
    field('validAfter', 'uint256'),
  ]
  const types = { TransferWithAuthorization: [...names, field('validBefore', 'uint256'), field('nonce', 'bytes32')] }
  const signature = await payer.signTypedData({
    domain: domain(),
    types,
    primaryType: 'TransferWithAuthorization',
    message,
  })
  const hash = await chain.client.writeContract({
    address: chain.usdc,
    abi: token,
    functionName: 'transferWithAuthorization',
    args: [message.from, to, value, 0n, message.validBefore, message.nonce, signature],
  })
  await confirm(hash)
  return hash
}

async function cancel({ nonce }: Authorization): Promise<void> {
  const types = { CancelAuthorization: [field('authorizer', 'address'), field('nonce', 'bytes32')] }
  const message = { authorizer: payer.address, nonce }
  const signature = await payer.signTypedData({ domain: domain(), types, primaryType: 'CancelAuthorization', message })
  const call = { address: chain.usdc, abi: token, functionName: 'cancelAuthorization' } as const
  await confirm(await chain.client.writeContract({ ...call, args: [payer.address, nonce, signature] }))
}

describe('what the chain says about an authorization', () => {
  it('is unused while nothing happened and it lives', async () => {
    expect(await reader.find(await authorize(), await reader.height())).toEqual({ kind: 'unused' })
  })

  it('is paid once the transfer is there, whoever sent it', async () => {
    const authorization = await authorize()
    const height = await reader.height()
    const transaction = await transfer(authorization)
    expect(await reader.find(authorization, height)).toEqual({
      kind: 'paid',
      receipt: { transaction, network: 'eip155:84532', payer: payer.address, amount: '50000', at: expect.any(Number) },
    })
  })

  it('is paid 700 blocks after we first saw it too, and 700 later', async () => {
    const authorization = await authorize(1_000)
    const height = await reader.height()
    await chain.client.mine({ blocks: 700 })
    await transfer(authorization)
    await chain.client.mine({ blocks: 700 })
    expect(await reader.find(authorization, height)).toMatchObject({ kind: 'paid' })
  })

  it('is dead when the nonce paid somebody else', async () => {
    const authorization = await authorize()
    const height = await reader.height()
    await transfer(authorization, payer.address)
    expect(await reader.find(authorization, height)).toEqual({ kind: 'dead', reason: 'authorization_spent_elsewhere' })
  })

  it('is dead when the nonce paid us less', async () => {
    const authorization = await authorize()
    const height = await reader.height()
    await transfer(authorization, payTo, 1n)
    expect(await reader.find(authorization, height)).toEqual({ kind: 'dead', reason: 'authorization_spent_elsewhere' })
  })

  it('is dead once it is cancelled', async () => {
    const authorization = await authorize()
    const height = await reader.height()
    await cancel(authorization)
    expect(await reader.find(authorization, height)).toEqual({ kind: 'dead', reason: 'authorization_cancelled' })
  })

  it('is unknown when it is used and no event in reach says how', async () => {
    const authorization = await authorize()
    await transfer(authorization)
    await chain.client.mine({ blocks: 10 })
    const finding = await reader.find(authorization, await reader.height())
    expect(finding).toMatchObject({ kind: 'unknown' })
  })

  it('is dead only in a block past its end, and the end itself is past', async () => {
    const authorization = await authorize(1_000)
    const height = await reader.height()
    await chain.client.setNextBlockTimestamp({ timestamp: BigInt(authorization.validBefore - 1) })
    await chain.client.mine({ blocks: 1 })
    expect(await reader.find(authorization, height)).toEqual({ kind: 'unused' })
    await chain.client.setNextBlockTimestamp({ timestamp: BigInt(authorization.validBefore) })
    await chain.client.mine({ blocks: 1 })
    expect(await reader.find(authorization, height)).toEqual({ kind: 'dead', reason: 'authorization_expired' })
  })
})

/** What nodes behind one URL say, as a table of answers. */
async function scriptRpc(answers: Record<string, unknown>): Promise<{ reader: Reader; close: () => void }> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { method } = JSON.parse(text) as { method: string }
    response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: answers[method] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { reader: createChain(url, 'eip155:84532'), close: () => server.close() }
}

describe('the proof of a payment', () => {
  const topic = (address: string) => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`
  const usedTopic = toEventSelector('AuthorizationUsed(address,bytes32)')
  const transferTopic = toEventSelector('Transfer(address,address,uint256)')
  /** Looks through a receipt with our `AuthorizationUsed` at index 12, and the given logs. */
  async function look(logs: (used: object, pay: (change?: object) => object) => object[], status = '0x1') {
    const authorization = await authorize()
    const used = { address: chain.usdc, topics: [usedTopic, topic(payer.address), authorization.nonce], data: '0x' }
    const pay = ({ from = payer.address, to = payTo, value = 50_000n, address = chain.usdc } = {}) => ({
      address,
      topics: [transferTopic, topic(from), topic(to)],
      data: toHex(value, { size: 32 }),
    })
    const indexed = logs(used, pay).map((log, i) => ({ ...log, logIndex: toHex(12 + i), transactionHash: '0x1' }))
    const { reader: scripted, close } = await scriptRpc({
      eth_getBlockByNumber: { number: '0x10', timestamp: '0x1' },
      // Another view of the block: the index is not the one in the receipt.
      eth_getLogs: [{ ...used, logIndex: '0xa', transactionHash: '0x1' }],
      eth_getTransactionReceipt: { status, logs: indexed },
    })
    try {
      return await scripted.find(authorization, 1)
    } finally {
      close()
    }
  }

  it('is our transfer at the next index, wherever that stands in the block', async () => {
    expect(await look((used, pay) => [used, pay()])).toMatchObject({ kind: 'paid' })
  })

  it.each([
    ['not the next log', (used: object, pay: (c?: object) => object) => [used, pay({ to: payer.address }), pay()]],
    ['the log before', (used: object, pay: (c?: object) => object) => [pay(), used]],
    ['of another token', (used: object, pay: (c?: object) => object) => [used, pay({ address: payTo })]],
    ['of another payer', (used: object, pay: (c?: object) => object) => [used, pay({ from: payTo })]],
    ['of one unit less', (used: object, pay: (c?: object) => object) => [used, pay({ value: 49_999n })]],
  ])('is no transfer that is %s', async (_, logs) => {
    expect(await look(logs)).toEqual({ kind: 'dead', reason: 'authorization_spent_elsewhere' })
  })

  it('is unknown when receipt and event disagree', async () => {
    await expect(look((_, pay) => [pay()])).rejects.toMatchObject({ name: 'ChainError' })
    await expect(look((used, pay) => [used, pay()], '0x0')).rejects.toMatchObject({ name: 'ChainError' })
  })
})

describe('a node in trouble', () => {
  it.each([
    ['is down', null],
    ['answers HTML', (): [number, string] => [200, '<html></html>']],
    ['answers 500', (): [number, string] => [500, '{}']],
    ['answers an error', (): [number, string] => [200, '{"jsonrpc":"2.0","id":1,"error":{"code":-32000}}']],
    ['answers nothing', (): [number, string] => [200, '{"jsonrpc":"2.0","id":1}']],
  ] as const)('that %s is an error, and its URL is not in it', async (_, answer) => {
    const server = createServer((__, response) => {
      const [status, text] = answer?.() ?? [200, '']
      response.writeHead(status).end(text)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`
    if (answer === null) await new Promise((resolve) => server.close(resolve))
    const attempt = createChain(url, 'eip155:84532').height()
    await expect(attempt).rejects.toMatchObject({
      name: 'ChainError',
      message: expect.not.stringContaining('secret-key'),
    })
    server.close()
  })
})

describe('whether an account is a contract', () => {
  it('is asked once in five minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const account = privateKeyToAccount(generatePrivateKey()).address
    expect(await reader.hasCode(chain.usdc)).toBe(true)
    expect(await reader.hasCode(account)).toBe(false)
    await chain.client.setCode({ address: account, bytecode: '0x00' })
    expect(await reader.hasCode(account)).toBe(false)
    vi.setSystemTime(Date.now() + 5 * 60_000)
    expect(await reader.hasCode(account)).toBe(true)
    vi.useRealTimers()
  })
})
