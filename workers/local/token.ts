import { type Address, parseAbi } from 'viem'

/** The USDC of a chain: where it stands and the name and version of its EIP-712 domain. */
export interface Token {
  readonly address: Address
  readonly name: string
  readonly version: string
}

/** The chains that the dev chain can stand in for, with their real USDC. */
export const tokens = {
  8453: { address: '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913', name: 'USD Coin', version: '2' },
  84532: { address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e', name: 'USDC', version: '2' },
} as const satisfies Record<number, Token>

export type DevChainId = keyof typeof tokens

/** Units in one USDC (6 decimals). */
export const USDC_UNITS = 1_000_000n

/** What payments, tests and the world itself call on the token; the whole ABI stands in `contracts/artifacts.json`. */
export const tokenAbi = parseAbi([
  'function initialize(string name, string version)',
  'function mint(address to, uint256 value)',
  'function name() view returns (string)',
  'function version() view returns (string)',
  'function balanceOf(address owner) view returns (uint256)',
  'function transfer(address to, uint256 value) returns (bool)',
  'function authorizationState(address authorizer, bytes32 nonce) view returns (bool)',
  'function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)',
  // from, to, value, validAfter, validBefore, nonce, signature
  'function transferWithAuthorization(address, address, uint256, uint256, uint256, bytes32, bytes)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)',
])
