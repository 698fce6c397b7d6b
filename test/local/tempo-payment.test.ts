import { Mppx, tempo } from 'mppx/client'
import { Mppx as MppxServer, tempo as tempoServer } from 'mppx/server'
import { createClient, http, type LocalAccount } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { tempoModerato } from 'viem/tempo/chains'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTempoChain, type TempoChain } from '../../workers/local/tempo/chain.ts'

let chain: TempoChain
beforeAll(async () => {
  chain = await startTempoChain()
})
afterAll(() => chain.stop())

const createAccount = () => privateKeyToAccount(generatePrivateKey())
const connect = () => createClient({ chain: tempoModerato, transport: http(chain.rpc, { retryCount: 0 }) })

/** A shop that sells one thing for five cents, on the stock server. */
function createShop(recipient: `0x${string}`, feePayer?: LocalAccount): typeof fetch {
  const server = MppxServer.create({
    secretKey: 'for tests alone, and 32 bytes long',
    realm: 'shop.test',
    methods: [
      tempoServer.charge({
        currency: chain.pathUsd,
        recipient,
        testnet: true,
        getClient: connect,
        ...(feePayer && { feePayer }),
      }),
    ],
  })
  return async (input, init) => {
    const answer = await server.charge({ amount: '0.05' })(new Request(input, init))
    return answer.status === 402 ? answer.challenge : answer.withReceipt(Response.json('sold'))
  }
}

const createBuyer = (account: LocalAccount, mode: 'pull' | 'push', shop: typeof fetch) =>
  Mppx.create({
    polyfill: false,
    maxPaymentRetries: 1,
    fetch: shop,
    methods: [tempo.charge({ account, mode, getClient: connect })],
  })

it.each(['pull', 'push'] as const)('the stock client pays the stock server exactly the price, by %s', async (mode) => {
  const [payer, recipient] = [createAccount(), createAccount().address]
  chain.mint(payer.address, 1_000_000n)
  const answer = await createBuyer(payer, mode, createShop(recipient)).fetch('https://shop.test/')
  expect([answer.status, await answer.json()]).toEqual([200, 'sold'])
  expect(answer.headers.get('Payment-Receipt')).toBeTruthy()
  expect(chain.balanceOf(recipient)).toBe(50_000n)
  // The client's default gas price does not matter: only the base fee is taken.
  expect(chain.balanceOf(payer.address)).toBe(1_000_000n - 50_000n - 1480n)
})

it('a sponsor pays the fee of a payer who has the price and no more', async () => {
  const [payer, recipient, sponsor] = [createAccount(), createAccount().address, createAccount()]
  chain.mint(payer.address, 50_000n)
  chain.mint(sponsor.address, 1_000_000n)
  const answer = await createBuyer(payer, 'pull', createShop(recipient, sponsor)).fetch('https://shop.test/')
  expect(answer.status).toBe(200)
  const owners = [payer.address, recipient, sponsor.address]
  expect(owners.map(chain.balanceOf)).toEqual([0n, 50_000n, 1_000_000n - 1480n])
})

it('a payer without money does not pay', async () => {
  const [payer, recipient] = [createAccount(), createAccount().address]
  const buying = createBuyer(payer, 'pull', createShop(recipient)).fetch('https://shop.test/')
  await expect(buying).rejects.toThrow(/InsufficientBalance/)
  expect(chain.balanceOf(recipient)).toBe(0n)
})
