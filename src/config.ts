import { Buffer } from 'node:buffer'
import { getAddress, isAddress, zeroAddress } from 'viem'
import * as z from 'zod'
import type { Price } from './payments/protocol.ts'
import type { X402Config } from './payments/protocols/x402.ts'

/** One deployment's configuration. What is null is not configured; `problems` says why. */
export interface Config {
  /** The apex, without a slash at the end. Every link and `resource.url` is built from it. */
  readonly publicUrl: string
  readonly prices: Readonly<Record<PricedCall, Price>>
  readonly x402: X402Config | null
  /** Everything that is missing or malformed, each with its fix. Empty on a sound deployment. */
  readonly problems: readonly string[]
}

export type PricedCall = 'removeBackground'

const secret = (name: string) => `set it with: npx wrangler secret put ${name}`
const variable = (example: string) => `set it under [vars] in wrangler.toml, such as "${example}"`

/** Missing and empty mean the same: `wrangler.toml` cannot unset a variable. */
const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((value) => value || undefined, schema.optional())
const required = (fix: string) => z.string(`is missing: ${fix}`).min(1, `is empty: ${fix}`)
const url = (fix: string) =>
  required(fix).refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), `is not a URL: ${fix}`)
const price = (fallback: Price) =>
  z.preprocess(
    (value) => value || fallback,
    z.custom<Price>(
      (text) => typeof text === 'string' && /^(0|[1-9]\d{0,5})(\.\d{1,6})?$/.test(text) && Number(text) > 0,
      `is not a price: ${variable(fallback)} (US dollars, at most six decimals)`,
    ),
  )

/** Production reads these from `wrangler.toml` and secrets; `npm run dev` gives the same names. */
const schema = z.object({
  PUBLIC_URL: url(variable('https://pixtoll.example.com')).refine(
    (text) => !URL.canParse(text) || new URL(text).origin === text.replace(/\/$/, ''),
    'must be scheme, host and port alone: every link is built from it',
  ),
  PRICE_REMOVE_BACKGROUND: price('0.05'),
  EVM_NETWORK: z.enum(['eip155:8453', 'eip155:84532'], {
    error: 'must be "eip155:8453" (Base) or "eip155:84532" (Base Sepolia)',
  }),
  PAY_TO: required(secret('PAY_TO')).refine(
    (text) => isAddress(text) && getAddress(text) === text && text !== zeroAddress,
    'is not an address with a right checksum: copy it from your wallet as it is shown there',
  ),
  EVM_RPC_URL: url(secret('EVM_RPC_URL')),
  CHALLENGE_SECRET: required(secret('CHALLENGE_SECRET')).min(
    32,
    'is too short: use the output of `openssl rand -hex 32`',
  ),
  FACILITATOR_URL: optional(url(variable('https://x402.org/facilitator'))),
  CDP_API_KEY_ID: optional(z.string()),
  CDP_API_KEY_SECRET: optional(
    z
      .string()
      .refine(
        (text) => Buffer.from(text, 'base64').length === 64,
        'is no Ed25519 key as CDP hands it out (base64 of 64 bytes): create the key with that signature algorithm',
      ),
  ),
})

const CDP_FACILITATOR_URL = 'https://api.cdp.coinbase.com/platform/v2/x402'

type Values = z.infer<typeof schema>

function readFacilitator(values: Partial<Values>, problems: string[]): X402Config['facilitator'] | null {
  if (problems.some((problem) => /^(FACILITATOR_URL|CDP_)/.test(problem))) return null
  const { CDP_API_KEY_ID: keyId, CDP_API_KEY_SECRET: keySecret, FACILITATOR_URL: facilitatorUrl } = values
  if (keyId && keySecret) return { url: CDP_FACILITATOR_URL, cdp: { keyId, keySecret } }
  if (keyId || keySecret) {
    problems.push(`${keyId ? 'CDP_API_KEY_SECRET' : 'CDP_API_KEY_ID'} is missing: the CDP keys work as a pair`)
    return null
  }
  if (facilitatorUrl) return { url: facilitatorUrl, cdp: null }
  if (!problems.some((problem) => /^(FACILITATOR_URL|CDP_)/.test(problem)))
    problems.push(`FACILITATOR_URL is missing: ${variable('https://x402.org/facilitator')}, or set the CDP keys`)
  return null
}

/**
 * Reads the whole configuration once. Never throws: what is wrong stands in `problems`, all of it at once, and free
 * calls go on with defaults. Values are never repeated in a problem: some are secrets.
 */
export function readConfig(env: object): Config {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  const source = new Map(Object.entries(env))
  for (const [name, field] of Object.entries(schema.shape)) {
    const parsed = field.safeParse(source.get(name))
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name} ${parsed.error.issues[0]?.message}`)
  }
  const known = values as Partial<Values>
  const facilitator = readFacilitator(known, problems)
  const { EVM_NETWORK: network, PAY_TO: payTo, EVM_RPC_URL: rpcUrl, CHALLENGE_SECRET: challengeSecret } = known
  const isComplete = problems.length === 0 && network && payTo && rpcUrl && challengeSecret && facilitator
  return {
    publicUrl: (known.PUBLIC_URL ?? 'http://localhost:8787').replace(/\/+$/, ''),
    prices: { removeBackground: known.PRICE_REMOVE_BACKGROUND ?? '0.05' },
    x402: isComplete ? { network, payTo: payTo as `0x${string}`, rpcUrl, challengeSecret, facilitator } : null,
    problems,
  }
}
