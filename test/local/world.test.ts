import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createChainClient } from '../../workers/local/chain.ts'
import { tokenAbi } from '../../workers/local/token.ts'
import { startWorld, type World } from '../../workers/local/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

it('has a demo wallet with 10,000 USDC and test ETH, and a receiver with no USDC', async () => {
  const demo = privateKeyToAccount(world.demo.evmKey)
  const client = createChainClient(world.rpc, world.chainId, demo)
  const readBalance = (owner: `0x${string}`) =>
    client.readContract({ address: world.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [owner] })
  expect(await Promise.all([demo.address, world.payTo].map(readBalance))).toEqual([10_000_000_000n, 0n])
  expect(await client.getBalance({ address: demo.address })).toBeGreaterThan(10n ** 18n)
})

it('gives the gateway all that it asks for, with secrets of its own', async () => {
  const vars = world.gatewayVars('http://localhost:1')
  expect(vars).toEqual({
    PUBLIC_URL: 'http://localhost:1',
    EVM_NETWORK: 'eip155:84532',
    PAY_TO: world.payTo,
    FACILITATOR_URL: world.facilitator,
    EVM_RPC_URL: world.rpc,
    CHALLENGE_SECRET: expect.stringMatching(/^[0-9a-f]{64}$/),
    TEMPO_CHAIN_ID: '42431',
    TEMPO_RPC_URL: world.tempoRpc,
    TEMPO_PAY_TO: world.tempoPayTo,
    MPP_SECRET_KEY: expect.stringMatching(/^[0-9a-f]{64}$/),
    X402_HOST: 'x402.localhost',
    MPP_HOST: 'mpp.localhost',
    ADMIN_TOKEN: world.adminToken,
    ALLOW_LOCAL_PREVIEW: 'true',
  })
  expect(world.adminToken).toMatch(/^[0-9a-f]{64}$/)
  expect(vars.MPP_SECRET_KEY).not.toBe(vars.CHALLENGE_SECRET)
  expect(world.gatewayVars('http://localhost:2').CHALLENGE_SECRET).toBe(vars.CHALLENGE_SECRET)
  const other = await startWorld()
  const others = other.gatewayVars('http://localhost:1')
  expect(others.CHALLENGE_SECRET).not.toBe(vars.CHALLENGE_SECRET)
  expect(others.MPP_SECRET_KEY).not.toBe(vars.MPP_SECRET_KEY)
  await other.stop()
})

it('fits several times into one process, each with a chain of its own', async () => {
  const other = await startWorld()
  await other.mint(other.payTo, 5n)
  const client = createChainClient(world.rpc, world.chainId, privateKeyToAccount(world.demo.evmKey))
  const balance = { address: world.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [other.payTo] } as const
  expect(await client.readContract(balance)).toBe(0n)
  await other.stop()
})
