import { decodeEventLog, encodeFunctionData, type Hex, hexToNumber, parseAbi } from 'viem'
import { type CallRpc, ChainError, createRpc } from './json-rpc.ts'

/** The token that MPP is paid in, at the same address on every Tempo network; six decimals. */
export const PATH_USD: Hex = '0x20c0000000000000000000000000000000000000'

/** TIP-20, as far as a payment needs it. */
export const tip20 = parseAbi([
  'function transferWithMemo(address to, uint256 amount, bytes32 memo)',
  'function balanceOf(address owner) view returns (uint256)',
  'event TransferWithMemo(address indexed from, address indexed to, uint256 amount, bytes32 indexed memo)',
])

/** A transfer with a memo, in a transaction that the chain has executed. */
export interface MemoTransfer {
  readonly from: Hex
  readonly to: Hex
  readonly amount: bigint
  readonly memo: Hex
}

/** What became of a transaction. */
export interface Execution {
  readonly succeeded: boolean
  /** pathUSD transfers with a memo; none of a transaction that failed. */
  readonly transfers: readonly MemoTransfer[]
}

/** Looks at a Tempo network through its JSON-RPC, and sends transactions. Every method throws ChainError. */
export interface Tempo {
  chainId(): Promise<number>
  /** Number of the newest block, and its time in Unix seconds. */
  readHead(): Promise<{ height: number; time: number }>
  /** Whether a call by `from` would succeed in the newest block. */
  simulate(from: Hex, call: { to: Hex; data: Hex }): Promise<boolean>
  /** Units of pathUSD. */
  readBalance(owner: Hex): Promise<bigint>
  /** What became of a transaction; null while no block holds it. */
  readExecution(hash: Hex): Promise<Execution | null>
  /** Sends a signed transaction and waits for its block. Sending it again is harmless. */
  send(raw: Hex): Promise<Execution>
}

/** A block takes about half a second; a node that has not said anything by then is asked for the receipt instead. */
const SEND_TIMEOUT_MS = 10_000

interface Log {
  address: Hex
  topics: [Hex, ...Hex[]]
  data: Hex
}
interface TransactionReceipt {
  status: Hex
  logs: Log[]
}

function readTransfers(logs: readonly Log[]): MemoTransfer[] {
  return logs.flatMap(({ address, topics, data }) => {
    if (address.toLowerCase() !== PATH_USD) return []
    try {
      return [decodeEventLog({ abi: tip20, eventName: 'TransferWithMemo', topics, data }).args]
    } catch {
      // Another event of the token.
      return []
    }
  })
}

const toExecution = ({ status, logs }: TransactionReceipt): Execution => {
  const succeeded = hexToNumber(status) === 1
  return { succeeded, transfers: succeeded ? readTransfers(logs) : [] }
}

/** The call data of a payment. */
export const encodeTransfer = ({ to, amount, memo }: Omit<MemoTransfer, 'from'>): Hex =>
  encodeFunctionData({ abi: tip20, functionName: 'transferWithMemo', args: [to, amount, memo] })

/** Creates the client of the Tempo node at `url`. */
export function createTempo(url: string): Tempo {
  const call: CallRpc = createRpc(url)
  return {
    async chainId() {
      return hexToNumber(await call<Hex>('eth_chainId', []))
    },
    async readHead() {
      const { number, timestamp } = await call<{ number: Hex; timestamp: Hex }>('eth_getBlockByNumber', [
        'latest',
        false,
      ])
      return { height: hexToNumber(number), time: hexToNumber(timestamp) }
    },
    async simulate(from, { to, data }) {
      try {
        await call('eth_call', [{ from, calls: [{ to, data, value: '0x0' }] }, 'latest'])
        return true
      } catch (error) {
        if (error instanceof ChainError && error.code === 3) return false
        throw error
      }
    },
    async readBalance(owner) {
      const data = encodeFunctionData({ abi: tip20, functionName: 'balanceOf', args: [owner] })
      return BigInt(await call<Hex>('eth_call', [{ to: PATH_USD, data }, 'latest']))
    },
    async readExecution(hash) {
      const receipt = await call<TransactionReceipt | null>('eth_getTransactionReceipt', [hash])
      return receipt && toExecution(receipt)
    },
    async send(raw) {
      const receipt = await call<TransactionReceipt | null>('eth_sendRawTransactionSync', [raw], SEND_TIMEOUT_MS)
      if (receipt === null) throw new ChainError('eth_sendRawTransactionSync: no receipt')
      return toExecution(receipt)
    },
  }
}
