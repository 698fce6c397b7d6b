import { randomBytes } from 'node:crypto'
import type { Address, Hex } from 'viem'
import { type Chain, startChain } from './chain.ts'
import { type Facilitator, startFacilitator } from './facilitator.ts'
import type { PortWish } from './loopback.ts'
import { USDC_UNITS } from './token.ts'
import { deriveAccount, readKey, wallets } from './wallets.ts'

const DEMO_UNITS = 10_000n * USDC_UNITS

/** What the gateway Worker needs to know of the world, by the names of its configuration. */
export interface GatewayVars {
  readonly PUBLIC_URL: string
  readonly EVM_NETWORK: string
  readonly PAY_TO: Address
  readonly FACILITATOR_URL: string
  readonly EVM_RPC_URL: string
  /** 32 random bytes in hex, new with every world. */
  readonly CHALLENGE_SECRET: string
}

/** All that is outside of the Workers, on this machine: a chain, USDC on it, a facilitator, wallets. */
export interface World extends Pick<Chain, 'rpc' | 'chainId' | 'usdc' | 'mint'> {
  /** The receiver of payments; it starts without USDC. */
  readonly payTo: Address
  /** Base URL of the facilitator. */
  readonly facilitator: string
  /** A wallet with test ETH and 10,000 USDC. */
  readonly demo: { readonly evmKey: Hex }
  /** The gateway's environment. `publicUrl` is where callers reach it, such as `http://localhost:8787`. */
  gatewayVars(publicUrl: string): GatewayVars
  /** Ends chain and facilitator; nothing of them is kept. */
  stop(): Promise<void>
}

export interface WorldOptions {
  /** Any free one unless given. */
  readonly rpcPort?: PortWish
  readonly facilitatorPort?: PortWish
}

/** Starts a world in this process. It prints nothing and reaches nothing but loopback. */
export async function startWorld({ rpcPort, facilitatorPort }: WorldOptions = {}): Promise<World> {
  const chain = await startChain(rpcPort)
  const demo = deriveAccount(wallets.demo)
  let facilitator: Facilitator
  try {
    await chain.mint(demo.address, DEMO_UNITS)
    const account = deriveAccount(wallets.facilitator)
    facilitator = await startFacilitator({ ...facilitatorPort, rpc: chain.rpc, chainId: chain.chainId, account })
  } catch (error) {
    await chain.stop()
    throw error
  }
  const payTo = deriveAccount(wallets.payTo).address
  const challengeSecret = randomBytes(32).toString('hex')
  return {
    rpc: chain.rpc,
    chainId: chain.chainId,
    usdc: chain.usdc,
    mint: chain.mint,
    payTo,
    facilitator: facilitator.url,
    demo: { evmKey: readKey(demo) },
    gatewayVars: (publicUrl) => ({
      PUBLIC_URL: publicUrl,
      EVM_NETWORK: `eip155:${chain.chainId}`,
      PAY_TO: payTo,
      FACILITATOR_URL: facilitator.url,
      EVM_RPC_URL: chain.rpc,
      CHALLENGE_SECRET: challengeSecret,
    }),
    async stop() {
      await Promise.all([facilitator.stop(), chain.stop()])
    },
  }
}
