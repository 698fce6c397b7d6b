import type { Config } from '../../config.ts'
import { createPace, type Pace, VERIFIES_PER_SECOND } from '../limits.ts'
import type { PaymentProtocol } from '../protocol.ts'
import { createTempo } from '../tempo.ts'
import { createMpp } from './mpp.ts'
import { createX402, createX402Parts } from './x402.ts'

/** A dependency of a protocol, as `/health` names it. `check` throws when it does not answer. */
export interface PaymentDependency {
  readonly name: string
  check(): Promise<void>
}

/** The payment side of one deployment. */
export interface Payments {
  /** In the order in which a 402 offers them. */
  readonly protocols: readonly PaymentProtocol[]
  readonly dependencies: readonly PaymentDependency[]
}

/** The table of protocols: each row makes its part of `Payments`, or null where the deployment is not configured for it. */
const rows: readonly ((
  config: Config,
  mayAsk: Pace,
) => { protocol: PaymentProtocol; dependencies: PaymentDependency[] } | null)[] = [
  ({ x402 }, mayAsk) => {
    if (x402 === null) return null
    const parts = createX402Parts(x402, mayAsk)
    return {
      protocol: createX402(x402, parts),
      dependencies: [
        { name: 'facilitator', check: () => parts.facilitator.ping() },
        { name: 'evm_rpc', check: () => checkChain(parts.chain, x402.network) },
      ],
    }
  },
  ({ mpp }, mayAsk) => {
    if (mpp === null) return null
    const tempo = createTempo(mpp.rpcUrl)
    return {
      protocol: createMpp(mpp, tempo, mayAsk),
      dependencies: [{ name: 'tempo_rpc', check: () => checkChain(tempo, `eip155:${mpp.chainId}`) }],
    }
  },
]

async function checkChain(chain: { chainId(): Promise<number> }, network: string): Promise<void> {
  const chainId = await chain.chainId()
  if (network !== `eip155:${chainId}`) throw new Error(`the RPC URL leads to chain ${chainId}, not ${network}`)
}

/** Creates what a configuration offers. No I/O. */
export function createPayments(config: Config): Payments {
  const mayAsk = createPace(VERIFIES_PER_SECOND)
  const built = rows.map((create) => create(config, mayAsk)).filter((row) => row !== null)
  return {
    protocols: built.map(({ protocol }) => protocol),
    dependencies: built.flatMap(({ dependencies }) => dependencies),
  }
}

/** Request headers that may carry a credential, whatever this deployment is configured for: `Vary` and CORS name them. */
export const credentialHeaders = ['payment-signature', 'x-payment', 'authorization'] as const
