import { type Address, concat, type Hex, keccak256, toHex } from 'viem'
import { createVault, type Vault } from './balances.ts'
import { execute, type Outcome } from './execution.ts'
import { RpcFailure, refuse } from './failure.ts'
import { createNonces } from './nonces.ts'
import { readTransaction, type TempoTransaction } from './transaction.ts'

/** A transaction in its block. */
export interface MinedTransaction extends Outcome {
  readonly transaction: TempoTransaction
  readonly block: Block
  readonly index: number
  readonly cumulativeGas: bigint
  /** Index in the block of its first event. */
  readonly firstLog: number
}

export interface Block {
  readonly number: bigint
  /** Seconds. */
  readonly time: number
  readonly hash: Hex
  readonly parentHash: Hex
  readonly mined: readonly MinedTransaction[]
}

/** The blocks of a chain and what waits for the next. */
export interface Blockchain {
  readonly chainId: number
  readonly vault: Vault
  /** The chain's clock in seconds; blocks are stamped with it. */
  readTime(): number
  /** The newest block. While mining goes on it is never older than a second, as on a chain that never sleeps. */
  readHead(): Block
  findBlock(number: bigint): Block | undefined
  findMined(hash: Hex): MinedTransaction | undefined
  findWaiting(hash: Hex): TempoTransaction | undefined
  readNextNonce(owner: Address): bigint
  /** Takes a raw transaction in, and mines it unless mining is stopped. Throws an `RpcFailure` when it is refused. */
  submit(raw: Hex): Hex
  /** Mines all that waits into one block; what has become invalid since it came is dropped. */
  mine(): Block
  /** Stops mining, or resumes it, which mines what waited. */
  setAutomine(enabled: boolean): void
  /** Moves the clock forward; the sum of all moves. */
  increaseTime(seconds: number): number
}

/** An empty chain. */
export function createBlockchain(chainId: number): Blockchain {
  const vault = createVault()
  const nonces = createNonces()
  const mined = new Map<Hex, MinedTransaction>()
  let waiting: TempoTransaction[] = []
  let automine = true
  let offset = 0

  const readTime = () => Math.floor(Date.now() / 1000) + offset

  const genesisHash = keccak256(toHex('Pixtoll Tempo dev chain'))
  let head: Block = { number: 0n, time: readTime(), hash: genesisHash, parentHash: toHex(0, { size: 32 }), mined: [] }
  const blocks = [head]

  const appendBlock = (transactions: readonly TempoTransaction[]): Block => {
    const number = head.number + 1n
    const time = Math.max(head.time, readTime())
    const list: MinedTransaction[] = []
    const stamp = concat([head.hash, toHex(number), toHex(time), ...transactions.map(({ hash }) => hash)])
    const block = { number, time, hash: keccak256(stamp), parentHash: head.hash, mined: list }
    let cumulativeGas = 0n
    let firstLog = 0
    for (const transaction of transactions) {
      try {
        nonces.check(transaction, time, 0)
        const outcome = execute(vault, transaction)
        nonces.spend(transaction)
        cumulativeGas += outcome.gasUsed
        const entry = { ...outcome, transaction, block, index: list.length, cumulativeGas, firstLog }
        firstLog += outcome.events.length
        list.push(entry)
        mined.set(transaction.hash, entry)
      } catch (error) {
        if (!(error instanceof RpcFailure)) throw error
      }
    }
    blocks.push(block)
    head = block
    return block
  }

  const mine = () => {
    const transactions = waiting
    waiting = []
    return appendBlock(transactions)
  }

  return {
    chainId,
    vault,
    readTime,
    readHead() {
      if (automine && readTime() > head.time) mine()
      return head
    },
    findBlock: (number) => blocks[Number(number)],
    findMined: (hash) => mined.get(hash),
    findWaiting: (hash) => waiting.find((transaction) => transaction.hash === hash),
    readNextNonce: nonces.readNext,
    submit(raw) {
      const transaction = readTransaction(raw, chainId)
      const { hash, lane } = transaction
      if (mined.has(hash) || waiting.some((other) => other.hash === hash)) throw refuse('already known')
      nonces.check(transaction, readTime(), waiting.filter((other) => other.lane === lane).length)
      // Refused at the door, not in the block, is what can never be mined.
      execute(vault.draft(), transaction)
      waiting.push(transaction)
      if (automine) mine()
      return hash
    },
    mine,
    setAutomine(enabled) {
      automine = enabled
      if (enabled) mine()
    },
    increaseTime(seconds) {
      offset += seconds
      return offset
    },
  }
}
