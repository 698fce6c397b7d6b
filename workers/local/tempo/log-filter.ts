import type { Hex } from 'viem'
import { z } from 'zod'
import { describeLogs } from './answers.ts'
import type { Block, Blockchain } from './blockchain.ts'
import { RpcFailure, refuse } from './failure.ts'
import { address, type BlockTag, blockTag, hash } from './params.ts'

const MAX_RANGE = 100_000n

const topic = z.union([hash, z.array(hash), z.null()])

/** What `eth_getLogs` takes. */
export const logFilter = z.strictObject({
  address: z.union([address, z.array(address)]).optional(),
  topics: z.array(topic).max(4).optional(),
  fromBlock: blockTag.optional(),
  toBlock: blockTag.optional(),
  blockHash: hash.optional(),
})

export type LogFilter = z.infer<typeof logFilter>

function findRange(chain: Blockchain, { fromBlock, toBlock, blockHash }: LogFilter): Block[] {
  const head = chain.readHead()
  const resolve = (tag: BlockTag = 'latest'): bigint => {
    if (typeof tag === 'bigint') return tag
    return tag === 'earliest' ? 0n : head.number
  }
  const all = (from: bigint, to: bigint) =>
    Array.from({ length: Number(to - from) + 1 }, (_, index) => chain.findBlock(from + BigInt(index)) as Block)
  if (blockHash) {
    const block = all(0n, head.number).find((candidate) => candidate.hash === blockHash)
    if (!block) throw refuse('unknown block')
    return [block]
  }
  const [from, to] = [resolve(fromBlock), resolve(toBlock)]
  if (from > to) throw new RpcFailure(-32602, 'invalid block range params')
  if (to > head.number) throw new RpcFailure(-32602, 'block range extends beyond current head block')
  if (to - from > MAX_RANGE) throw new RpcFailure(-32602, `query exceeds max block range ${MAX_RANGE}`)
  return all(from, to)
}

const fits = (wanted: Hex | readonly Hex[] | null | undefined, value: Hex | undefined): boolean => {
  if (wanted === null || wanted === undefined) return true
  return value !== undefined && (Array.isArray(wanted) ? wanted.includes(value) : wanted === value)
}

/** The logs that a filter lets through, oldest first. An empty list of addresses or topics lets all through. */
export function filterLogs(chain: Blockchain, filter: LogFilter) {
  const { topics = [] } = filter
  const addresses = [filter.address ?? []].flat()
  return findRange(chain, filter)
    .flatMap(({ mined }) => mined.flatMap(describeLogs))
    .filter((log) => addresses.length === 0 || addresses.includes(log.address))
    .filter((log) =>
      topics.every((wanted, position) => {
        const any = Array.isArray(wanted) && wanted.length === 0
        return any || fits(wanted, log.topics[position])
      }),
    )
}
