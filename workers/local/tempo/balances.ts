import type { Address } from 'viem'
import { Revert } from './failure.ts'

/** Who has how much of which token. Addresses in any case. */
export interface Balances {
  read(token: Address, owner: Address): bigint
  /** Moves units from one to the other; a `Revert` when the sender has fewer. */
  move(token: Address, from: Address, to: Address, units: bigint): void
  /** A copy to try things on: what moves there moves here only at its `commit`. */
  draft(): Draft
}

export interface Draft extends Balances {
  commit(): void
}

/** The balances of a chain. */
export interface Vault extends Balances {
  /** Makes units out of nothing; nothing else does. */
  mint(token: Address, to: Address, units: bigint): void
  /** The sum of all balances of a token, added up. */
  sum(token: Address): bigint
}

const nameEntry = (token: Address, owner: Address): string => `${token}:${owner}`.toLowerCase()

function createLayer(entries: Map<string, bigint>, readBelow: (entry: string) => bigint): Balances {
  const readEntry = (entry: string): bigint => entries.get(entry) ?? readBelow(entry)
  return {
    read: (token, owner) => readEntry(nameEntry(token, owner)),
    move(token, from, to, units) {
      const [source, target] = [nameEntry(token, from), nameEntry(token, to)]
      const available = readEntry(source)
      if (available < units) throw new Revert('InsufficientBalance', [available, units, token])
      entries.set(source, available - units)
      entries.set(target, readEntry(target) + units)
    },
    draft() {
      const changes = new Map<string, bigint>()
      return {
        ...createLayer(changes, readEntry),
        commit() {
          for (const [entry, units] of changes) entries.set(entry, units)
        },
      }
    },
  }
}

/** Balances that are all zero. */
export function createVault(): Vault {
  const entries = new Map<string, bigint>()
  return {
    ...createLayer(entries, () => 0n),
    mint(token, to, units) {
      const entry = nameEntry(token, to)
      entries.set(entry, (entries.get(entry) ?? 0n) + units)
    },
    sum(token) {
      const own = [...entries].filter(([entry]) => entry.startsWith(`${token.toLowerCase()}:`))
      return own.reduce((total, [, units]) => total + units, 0n)
    },
  }
}
