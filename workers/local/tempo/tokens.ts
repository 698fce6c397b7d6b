import type { Address } from 'viem'

/** What a TIP-20 token says of itself. */
export interface TempoToken {
  readonly name: string
  readonly symbol: string
  readonly currency: string
  readonly decimals: number
}

/** The token that payments are asked in. */
export const PATH_USD: Address = '0x20c0000000000000000000000000000000000000'

/** Another dollar, so that a right amount can be paid in the wrong token. */
export const ALPHA_USD: Address = '0x20c0000000000000000000000000000000000001'

/** Collects the fees. */
export const FEE_MANAGER: Address = '0xfeec000000000000000000000000000000000000'

const describeToken = (name: string): TempoToken => ({ name, symbol: name, currency: 'USD', decimals: 6 })

/** The tokens of the dev chain by their address in lower case. */
export const tempoTokens: ReadonlyMap<string, TempoToken> = new Map([
  [PATH_USD, describeToken('pathUSD')],
  [ALPHA_USD, describeToken('alphaUSD')],
])

/** Whether the address is one that only tokens have: the chain sends no money there. */
export const isTokenAddress = (address: string): boolean => /^0x20c000000000000000000000/i.test(address)
