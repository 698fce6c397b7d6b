import edr from '@nomicfoundation/edr'
import { type Address, type Hex, hexToBytes } from 'viem'
import artifacts from './contracts/artifacts.json' with { type: 'json' }
import type { RpcAnswer } from './json-rpc.ts'
import { type DevChainId, tokens } from './token.ts'
import { deriveAccount, FUNDED_ACCOUNTS, readKey } from './wallets.ts'

/** Where Multicall3 stands on every chain; facilitators ask it why a payment would fail. */
export const MULTICALL3: Address = '0xcA11bde05977b3631167028862bE2a173976CA11'

const BLOCK_GAS = 60_000_000n
const FUNDED_WEI = 10n ** 22n

/** EDR (the EVM inside Hardhat) in this process, without what a node on the wire adds: see `node.ts`. */
export interface Engine {
  call(method: string, params?: readonly unknown[]): Promise<RpcAnswer>
}

export interface EngineOptions {
  readonly chainId: DevChainId
  /** Time of the genesis block in seconds; later blocks go on from there. */
  readonly genesisTime: number
}

async function createContext(): Promise<edr.EdrContext> {
  const context = new edr.EdrContext()
  await context.registerProviderFactory(edr.L1_CHAIN_TYPE, edr.l1ProviderFactory())
  return context
}

// EDR allows one context in a process; any number of chains may share it.
let context: Promise<edr.EdrContext> | undefined

function createGenesisState(chainId: DevChainId): edr.AccountOverride[] {
  const deploy = (address: Address, runtime: string) => ({
    address: hexToBytes(address),
    balance: 0n,
    code: hexToBytes(runtime as Hex),
  })
  return [
    ...edr.l1GenesisState(edr.l1HardforkFromString(edr.PRAGUE)),
    ...Array.from({ length: FUNDED_ACCOUNTS }, (_, index) => ({
      address: hexToBytes(deriveAccount(index).address),
      balance: FUNDED_WEI,
    })),
    deploy(tokens[chainId].address, artifacts.DevUSDC.runtime),
    deploy(MULTICALL3, artifacts.DevMulticall.runtime),
  ]
}

/**
 * Starts an empty chain with funded accounts, the dev USDC at the real USDC address (without name and balances: EDR
 * takes no storage at genesis) and Multicall3. It lives as long as it is referenced, in memory alone.
 */
export async function createEngine({ chainId, genesisTime }: EngineOptions): Promise<Engine> {
  context ??= createContext()
  const provider = await (await context).createProvider(
    edr.L1_CHAIN_TYPE,
    {
      chainId: BigInt(chainId),
      networkId: BigInt(chainId),
      hardfork: edr.PRAGUE,
      coinbase: new Uint8Array(20),
      allowBlocksWithSameTimestamp: true,
      allowUnlimitedContractSize: false,
      bailOnCallFailure: true,
      bailOnTransactionFailure: false,
      defaultTransactionGasLimit: BLOCK_GAS / 2n,
      initialBaseFeePerGas: 1_000_000n,
      minGasPrice: 0n,
      // EDR's automine refuses a nonce that comes early, which parallel settlements produce. `node.ts` mines instead.
      mining: { autoMine: false, blockGasLimit: BLOCK_GAS, memPool: { order: edr.MineOrdering.Priority } },
      network: { genesisBlockGasLimit: BLOCK_GAS, genesisBlockTime: BigInt(genesisTime) },
      genesisState: createGenesisState(chainId),
      ownedAccounts: Array.from({ length: FUNDED_ACCOUNTS }, (_, index) => readKey(deriveAccount(index))),
      observability: {},
      precompileOverrides: [],
    },
    { enable: false, decodeConsoleLogInputsCallback: () => [], printLineCallback: () => {} },
    { subscriptionCallback: () => {} },
    new edr.ContractDecoder(),
  )
  return {
    async call(method, params = []) {
      const { data } = await provider.handleRequest(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
      return typeof data === 'string' ? JSON.parse(data) : data
    },
  }
}
