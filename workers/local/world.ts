import { randomBytes } from 'node:crypto'
import type { Address, Hex } from 'viem'
import { type Chain, startChain } from './chain.ts'
import { type Facilitator, startFacilitator } from './facilitator.ts'
import type { PortWish } from './loopback.ts'
import { startTempoChain, type TempoChain } from './tempo/chain.ts'
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
  readonly TEMPO_CHAIN_ID: string
  readonly TEMPO_RPC_URL: string
  readonly TEMPO_PAY_TO: Address
  /** 32 random bytes in hex, new with every world. */
  readonly MPP_SECRET_KEY: string
  readonly X402_HOST: string
  readonly MPP_HOST: string
  /** 32 random bytes in hex, new with every world. */
  readonly ADMIN_TOKEN: string
  /** Models whose keys are not there are served by the preview Worker. */
  readonly ALLOW_LOCAL_PREVIEW: 'true'
}

/** All that is outside of the Workers, on this machine: two chains, dollars on them, a facilitator, wallets. */
export interface World extends Pick<Chain, 'rpc' | 'chainId' | 'usdc' | 'mint'> {
  /** The receiver of payments; it starts without USDC. */
  readonly payTo: Address
  /** Base URL of the facilitator. */
  readonly facilitator: string
  /** JSON-RPC of the Tempo chain. */
  readonly tempoRpc: string
  /** The receiver of payments on Tempo; it starts without pathUSD. */
  readonly tempoPayTo: Address
  readonly demo: {
    /** A wallet with test ETH and 10,000 USDC. */
    readonly evmKey: Hex
    /** A wallet with 10,000 pathUSD on Tempo. */
    readonly tempoKey: Hex
  }
  /** What the gateway's `/admin/*` asks for. */
  readonly adminToken: string
  /** The gateway's environment. `publicUrl` is where callers reach it, such as `http://localhost:8787`. */
  gatewayVars(publicUrl: string): GatewayVars
  /** Ends chains and facilitator; nothing of them is kept. */
  stop(): Promise<void>
}

export interface WorldOptions {
  /** Any free one unless given. */
  readonly rpcPort?: PortWish
  readonly facilitatorPort?: PortWish
  readonly tempoPort?: PortWish
}

interface Services {
  readonly chain: Chain
  readonly facilitator: Facilitator
  readonly tempo: TempoChain
  stop(): Promise<void>
}

/** Starts what listens on a port and fills the demo wallets; leaves nothing running when one of them cannot start. */
async function startServices({ rpcPort, facilitatorPort, tempoPort }: WorldOptions): Promise<Services> {
  const running: { stop(): Promise<void> }[] = []
  const stop = async () => {
    await Promise.all(running.map((service) => service.stop()))
  }
  const keep = <Service extends { stop(): Promise<void> }>(service: Service): Service => {
    running.push(service)
    return service
  }
  try {
    const chain = keep(await startChain(rpcPort))
    const tempo = keep(await startTempoChain(tempoPort))
    const account = deriveAccount(wallets.facilitator)
    const { rpc, chainId } = chain
    const facilitator = keep(await startFacilitator({ ...facilitatorPort, rpc, chainId, account }))
    await chain.mint(deriveAccount(wallets.demo).address, DEMO_UNITS)
    tempo.mint(deriveAccount(wallets.tempoDemo).address, DEMO_UNITS)
    return { chain, facilitator, tempo, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts a world in this process. It prints nothing and reaches nothing but loopback. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { chain, facilitator, tempo, stop } = await startServices(options)
  const payTo = deriveAccount(wallets.payTo).address
  const tempoPayTo = deriveAccount(wallets.tempoPayTo).address
  const challengeSecret = randomBytes(32).toString('hex')
  const mppSecretKey = randomBytes(32).toString('hex')
  const adminToken = randomBytes(32).toString('hex')
  return {
    rpc: chain.rpc,
    chainId: chain.chainId,
    usdc: chain.usdc,
    mint: chain.mint,
    payTo,
    facilitator: facilitator.url,
    tempoRpc: tempo.rpc,
    tempoPayTo,
    demo: { evmKey: readKey(deriveAccount(wallets.demo)), tempoKey: readKey(deriveAccount(wallets.tempoDemo)) },
    adminToken,
    gatewayVars: (publicUrl) => ({
      PUBLIC_URL: publicUrl,
      EVM_NETWORK: `eip155:${chain.chainId}`,
      PAY_TO: payTo,
      FACILITATOR_URL: facilitator.url,
      EVM_RPC_URL: chain.rpc,
      CHALLENGE_SECRET: challengeSecret,
      TEMPO_CHAIN_ID: String(tempo.chainId),
      TEMPO_RPC_URL: tempo.rpc,
      TEMPO_PAY_TO: tempoPayTo,
      MPP_SECRET_KEY: mppSecretKey,
      X402_HOST: 'x402.localhost',
      MPP_HOST: 'mpp.localhost',
      ADMIN_TOKEN: adminToken,
      ALLOW_LOCAL_PREVIEW: 'true',
    }),
    stop,
  }
}
