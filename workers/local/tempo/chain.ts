import type { Address } from 'viem'
import { createRpcApp } from '../json-rpc.ts'
import { type PortWish, serveLocally } from '../loopback.ts'
import { createBlockchain } from './blockchain.ts'
import { createTempoNode } from './node.ts'
import { PATH_USD } from './tokens.ts'

/** Tempo's test network, "Moderato". */
export const TEMPO_CHAIN_ID = 42431

export interface TempoChainOptions extends Partial<PortWish> {
  /** How long `eth_sendRawTransactionSync` waits for a block while mining is stopped; a second. */
  readonly syncTimeoutMs?: number
}

/** A running Tempo dev chain. */
export interface TempoChain {
  /** Base URL of its JSON-RPC and of the hook `POST /_fault`. */
  readonly rpc: string
  readonly chainId: number
  /** Address of pathUSD, the token that payments are asked in. */
  readonly pathUsd: Address
  /** Gives an address so many units of pathUSD out of nothing. */
  mint(to: Address, units: bigint): void
  /** Units of pathUSD that an address has. */
  balanceOf(owner: Address): bigint
  /** Closes the port; the chain and all that happened on it is gone. */
  stop(): Promise<void>
}

/**
 * Starts a chain in this process that does as Tempo does with transactions that transfer TIP-20 tokens, and refuses
 * every other. Signatures, nonces, expiry, fees and balances are checked as strictly as there.
 */
export async function startTempoChain(options: TempoChainOptions = {}): Promise<TempoChain> {
  const { port = 0, fallback = false, syncTimeoutMs = 1000 } = options
  const chain = createBlockchain(TEMPO_CHAIN_ID)
  const node = createTempoNode(chain, { syncTimeoutMs })
  const server = await serveLocally(createRpcApp(node).fetch, { port, fallback })
  return {
    rpc: server.url,
    chainId: TEMPO_CHAIN_ID,
    pathUsd: PATH_USD,
    mint: (to, units) => chain.vault.mint(PATH_USD, to, units),
    balanceOf: (owner) => chain.vault.read(PATH_USD, owner),
    stop: server.stop,
  }
}
