import {
  type Account,
  type Address,
  createTestClient,
  defineChain,
  type Hex,
  http,
  publicActions,
  type Chain as ViemChain,
  walletActions,
} from 'viem'
import { createEngine } from './engine.ts'
import { createRpcApp } from './json-rpc.ts'
import { type PortWish, serveLocally } from './loopback.ts'
import { createNode } from './node.ts'
import { createQueue } from './queue.ts'
import { type DevChainId, tokenAbi, tokens } from './token.ts'
import { deriveAccount, wallets } from './wallets.ts'

export interface ChainOptions extends Partial<PortWish> {
  /** 84532 (Base Sepolia, the default) or 8453 (Base). */
  readonly chainId?: DevChainId
  /** Where the chain's clock starts, in seconds; now, unless a test wants blocks older than the wall clock. */
  readonly genesisTime?: number
}

/** Describes a dev chain to viem. */
export const describeChain = (rpc: string, chainId: number): ViemChain =>
  defineChain({
    id: chainId,
    name: 'Pixtoll dev chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpc] } },
  })

/** A viem client that reads, sends as `account` and steers the chain (`setAutomine`, `mine`, `increaseTime`, …). */
export const createChainClient = (rpc: string, chainId: number, account: Account) =>
  createTestClient({
    mode: 'hardhat',
    chain: describeChain(rpc, chainId),
    transport: http(rpc, { retryCount: 0 }),
    account,
    pollingInterval: 20,
    cacheTime: 0,
  })
    .extend(publicActions)
    .extend(walletActions)

export type ChainClient = ReturnType<typeof createChainClient>

/** A running dev chain. */
export interface Chain {
  /** Base URL of its JSON-RPC. */
  readonly rpc: string
  readonly chainId: DevChainId
  /** Address of the dev USDC, which is that of the real one. */
  readonly usdc: Address
  /** Sends as the minter. */
  readonly client: ChainClient
  /** Gives an address so many units of USDC out of nothing; resolves when they are there. */
  mint(to: Address, units: bigint): Promise<Hex>
  /** Closes the port; the chain and all that happened on it is gone. */
  stop(): Promise<void>
}

/**
 * Starts an EVM chain in this process behind JSON-RPC on loopback. The dev USDC stands at the real USDC address and
 * Multicall3 at its own, so production configuration runs on it unchanged; the first ten accounts of the test mnemonic
 * hold test ETH. Every transaction is mined at once until `evm_setAutomine` says otherwise.
 */
export async function startChain(options: ChainOptions = {}): Promise<Chain> {
  const { port = 0, fallback = false, chainId = 84532, genesisTime = Math.floor(Date.now() / 1000) } = options
  const token = tokens[chainId]
  const node = createNode(await createEngine({ chainId, genesisTime }))
  const server = await serveLocally(createRpcApp(node).fetch, { port, fallback })
  const client = createChainClient(server.url, chainId, deriveAccount(wallets.minter))
  const enqueue = createQueue()

  const contract = { address: token.address, abi: tokenAbi } as const

  // The minter's transactions go one by one, so that two of them never ask for the same nonce.
  const confirm = (send: () => Promise<Hex>) =>
    enqueue(async () => {
      const hash = await send()
      await client.waitForTransactionReceipt({ hash })
      return hash
    })

  await confirm(() =>
    client.writeContract({ ...contract, functionName: 'initialize', args: [token.name, token.version] }),
  )
  return {
    rpc: server.url,
    chainId,
    usdc: token.address,
    client,
    mint: (to, units) => confirm(() => client.writeContract({ ...contract, functionName: 'mint', args: [to, units] })),
    stop: server.stop,
  }
}
