import { type Hex, toHex } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Chain, startChain } from '../../workers/local/chain.ts'
import { startTempoChain, type TempoChain } from '../../workers/local/tempo/chain.ts'
import { tokenAbi } from '../../workers/local/token.ts'
import { createWallet, signTransfer } from './tempo-wallet.ts'

let evm: Chain
let tempo: TempoChain
beforeAll(async () => {
  evm = await startChain()
  tempo = await startTempoChain()
})
afterAll(() => Promise.all([evm.stop(), tempo.stop()]))

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { readonly code: number }
}

const post = (url: string, body: unknown) => fetch(url, { method: 'POST', body: JSON.stringify(body) })
const createCall = (method: string, params: unknown[] = [], id = 1) => ({ jsonrpc: '2.0', id, method, params })
const call = async (rpc: string, method: string, params: unknown[] = []): Promise<Answer> =>
  (await post(rpc, createCall(method, params))).json() as Promise<Answer>
const setFaults = (rpc: string, faults: unknown) => post(`${rpc}/_fault`, faults)

afterEach(() => Promise.all([setFaults(evm.rpc, []), setFaults(tempo.rpc, [])]))

describe.each([
  ['the EVM chain', () => evm.rpc, '0x14a34'],
  ['the Tempo chain', () => tempo.rpc, '0xa5bf'],
])('faults of %s', (_, rpc, chainId) => {
  it.each([
    ['500', { mode: '500' }, 500, /Internal Server Error/],
    ['html', { mode: 'html' }, 200, /<html>/],
    ['json', { mode: 'json', body: { id: 1, result: '0x1' } }, 200, /^{"id":1,"result":"0x1"}$/],
    ['json with a status', { mode: 'json', body: 'no', status: 429 }, 429, /^"no"$/],
    ['error', { mode: 'error' }, 200, /"id":1,"error":{"code":-32603,/],
    ['null', { mode: 'null' }, 200, /"id":1,"result":null}/],
  ])('%s answers instead', async (_, fault, status, body) => {
    await setFaults(rpc(), [{ method: 'eth_chainId', ...fault }])
    const response = await post(rpc(), createCall('eth_chainId'))
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(body)])
    expect((await call(rpc(), 'eth_blockNumber')).result).toMatch(/^0x/)
  })

  it('delay answers as usual, later', async () => {
    await setFaults(rpc(), [{ method: 'eth_chainId', mode: 'delay', ms: 80 }])
    const start = performance.now()
    expect((await call(rpc(), 'eth_chainId')).result).toBe(chainId)
    expect(performance.now() - start).toBeGreaterThanOrEqual(79)
  })

  it('* strikes every method, as often as it says', async () => {
    await setFaults(rpc(), [{ method: '*', mode: 'null', count: 2 }])
    const ask = async (method: string) => (await call(rpc(), method)).result
    expect([await ask('eth_chainId'), await ask('eth_blockNumber'), await ask('eth_chainId')]).toEqual([
      null,
      null,
      chainId,
    ])
  })

  it('strike one call of a batch alone, unless the HTTP answer is lost', async () => {
    const batch = [createCall('eth_chainId', [], 1), createCall('eth_blockNumber', [], 2)]
    await setFaults(rpc(), [{ method: 'eth_chainId', mode: 'error', count: 1 }])
    expect(await (await post(rpc(), batch)).json()).toMatchObject([
      { id: 1, error: { code: -32603 } },
      { id: 2, result: expect.stringMatching(/^0x/) },
    ])
    await setFaults(rpc(), [{ method: 'eth_chainId', mode: '500' }])
    expect((await post(rpc(), batch)).status).toBe(500)
  })

  it.each([
    ['no list', {}],
    ['an unknown mode', [{ method: '*', mode: 'fire' }]],
    ['no method', [{ op: 'verify', mode: '500' }]],
  ])('%s: 400 and the list stays as it was', async (_, faults) => {
    await setFaults(rpc(), [{ method: 'eth_chainId', mode: 'null' }])
    expect((await setFaults(rpc(), faults)).status).toBe(400)
    expect((await call(rpc(), 'eth_chainId')).result).toBeNull()
  })
})

describe('a broadcast', () => {
  it.each([
    ['before', 0n],
    ['after', 50_000n],
  ])('that is lost %s the work moves %s units', async (when, moved) => {
    const payer = createWallet()
    const receiver = createWallet().address
    tempo.mint(payer.address, 1_000_000n)
    await setFaults(tempo.rpc, [{ method: 'eth_sendRawTransactionSync', mode: 'error', when }])
    const answer = await call(tempo.rpc, 'eth_sendRawTransactionSync', [signTransfer(payer, receiver, 50_000n)])
    expect(answer.error?.code).toBe(-32603)
    expect(tempo.balanceOf(receiver)).toBe(moved)
  })
})

describe('stale', () => {
  it('is for the EVM chain alone', async () => {
    expect((await setFaults(tempo.rpc, [{ method: '*', mode: 'stale' }])).status).toBe(400)
  })

  it('answers all that an older block changes as of the block before the last', async () => {
    const receiver = createWallet().address
    await evm.mint(receiver, 3n)
    const hash = await evm.mint(receiver, 4n)
    const { number } = await evm.client.getBlock()
    const [head, before] = [toHex(number), toHex(number - 1n)]
    const balance = { address: evm.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [receiver] } as const
    const ask = async (method: string, ...params: unknown[]) => (await call(evm.rpc, method, params)).result
    const filter = { address: evm.usdc, fromBlock: before, toBlock: head }
    const readAll = async () => [
      await ask('eth_blockNumber'),
      ((await ask('eth_getBlockByNumber', 'latest', false)) as { number: Hex }).number,
      (await ask('eth_getBlockByNumber', head, false)) === null,
      (await ask('eth_getTransactionReceipt', hash)) === null,
      (await ask('eth_getTransactionByHash', hash)) === null,
      ((await ask('eth_getLogs', filter)) as unknown[]).length,
      await evm.client.readContract(balance),
    ]
    const fresh = await readAll()
    await setFaults(evm.rpc, [{ method: '*', mode: 'stale' }])
    const stale = await readAll()
    await setFaults(evm.rpc, [])
    expect(fresh).toEqual([head, head, false, false, false, 2, 7n])
    expect(stale).toEqual([before, before, true, true, true, 1, 3n])
    expect(await readAll()).toEqual(fresh)
  })

  it('lets transactions through, and does not use itself up on them', async () => {
    await setFaults(evm.rpc, [{ method: 'eth_sendRawTransaction', mode: 'stale', count: 1 }])
    const receiver = createWallet().address
    await evm.mint(receiver, 5n)
    const balance = { address: evm.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [receiver] } as const
    expect(await evm.client.readContract(balance)).toBe(5n)
  })
})
