import { type Hex, toHex } from 'viem'
import { type HDAccount, mnemonicToAccount } from 'viem/accounts'

/** Hardhat's public test mnemonic: everybody knows these keys, so nothing of worth may ever be sent to them. */
const MNEMONIC = 'test test test test test test test test test test test junk'

/** Number of accounts with test ETH at genesis: the indexes 0 to 9 of the mnemonic. */
export const FUNDED_ACCOUNTS = 10

/** The account at this index of the test mnemonic. */
export const deriveAccount = (index: number): HDAccount => mnemonicToAccount(MNEMONIC, { addressIndex: index })

/** Who is who on the dev chains. Indexes 1 to 6 are free for tests. */
export const wallets = {
  /** Pays for the demo. */
  demo: 0,
  /** Receives the payments; nobody ever signs with it. */
  payTo: 7,
  /** Pays the gas of settlements. */
  facilitator: 8,
  /** Sets the token up and mints. */
  minter: 9,
  /** Pays for the demo on Tempo; it has nothing on the EVM chain. */
  tempoDemo: 10,
  /** Receives the payments on Tempo; nobody ever signs with it. */
  tempoPayTo: 11,
} as const

/** The private key behind an account of the test mnemonic. */
export const readKey = (account: HDAccount): Hex => toHex(account.getHdKey().privateKey ?? new Uint8Array())
