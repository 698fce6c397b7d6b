import { Buffer } from 'node:buffer'
import { getAddress, isAddress, zeroAddress } from 'viem'
import * as z from 'zod'
import { type GenerationConfig, readGeneration } from './generation/configuration.ts'
import { defaultMostDoubt } from './matte/options.ts'
import type { Price } from './payments/protocol.ts'
import type { MppConfig } from './payments/protocols/mpp.ts'
import type { X402Config } from './payments/protocols/x402.ts'

/** One deployment's configuration. What is null is not configured; `problems` says why. */
export interface Config {
  /** The apex, without a slash at the end. Every link and `resource.url` is built from it. */
  readonly publicUrl: string
  readonly prices: Readonly<Record<PricedCall, Price>>
  /** Free uploads of a UTC day. */
  readonly freeUploads: { readonly perClient: number; readonly inAll: number }
  /** Names of the other hosts, where there are any. */
  readonly hosts: Readonly<Record<'x402' | 'mpp' | 'images', string | null>>
  readonly x402: X402Config | null
  readonly mpp: MppConfig | null
  /** Above this, in US dollars of work that was never paid for, everyone pays before the work for a while. */
  readonly maxUnpaidLossPerHour: Price
  /** The Container that is reached by an address, and not by a binding. */
  readonly container: { readonly url: string; readonly token: string | null } | null
  /** Ids of the Container's matte models that callers may choose of. */
  readonly matteModels: readonly string[]
  /** Doubt of a matte of the edge's, 0 to 1, above which the Container is asked where there is one. */
  readonly mostDoubt: number
  /** What `/admin/*` asks for; null: there is no such path. */
  readonly adminToken: string | null
  readonly generation: GenerationConfig
  /** Everything that is missing or malformed, each with its fix. Empty on a sound deployment. */
  readonly problems: readonly string[]
}

/** `storeYear` is what keeping a cut-out for a year adds. */
export type PricedCall = 'removeBackground' | 'upload' | 'storeYear'

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

const count = (fallback: string) =>
  z.preprocess(
    (value) => value || fallback,
    z
      .string()
      .regex(/^\d{1,9}$/, `is not a number: ${variable(fallback)}; 0 for none`)
      .transform(Number),
  )

const address = (fix: string) =>
  required(fix).refine(
    (text) => isAddress(text) && getAddress(text) === text && text !== zeroAddress,
    'is not an address with a right checksum: copy it from your wallet as it is shown there',
  )
const key = (name: string) => required(secret(name)).min(32, 'is too short: use the output of `openssl rand -hex 32`')
const hostName = z.string().regex(/^[a-z\d.-]+$/, 'must be a host name alone, in lower case, such as "mpp.example.com"')

/** Production reads these from `wrangler.toml` and secrets; `npm run dev` gives the same names. */
const schema = z.object({
  PUBLIC_URL: url(variable('https://pixtoll.example.com')).refine(
    (text) => !URL.canParse(text) || new URL(text).origin === text.replace(/\/$/, ''),
    'must be scheme, host and port alone: every link is built from it',
  ),
  PRICE_REMOVE_BACKGROUND: price('0.05'),
  PRICE_UPLOAD: price('0.01'),
  PRICE_STORE_YEAR: price('0.01'),
  FREE_UPLOADS_PER_ADDRESS: count('100'),
  FREE_UPLOADS_PER_DAY: count('10000'),
  EVM_NETWORK: z.enum(['eip155:8453', 'eip155:84532'], {
    error: 'must be "eip155:8453" (Base) or "eip155:84532" (Base Sepolia)',
  }),
  PAY_TO: address(secret('PAY_TO')),
  EVM_RPC_URL: url(secret('EVM_RPC_URL')),
  CHALLENGE_SECRET: key('CHALLENGE_SECRET'),
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
  X402_HOST: optional(hostName),
  MPP_HOST: optional(hostName),
  IMAGES_HOST: optional(hostName),
  MAX_UNPAID_LOSS_PER_HOUR: price('5'),
  CONTAINER_URL: optional(url(variable('https://container.example.com'))),
  CONTAINER_TOKEN: optional(z.string().min(32, 'is too short: use the output of `openssl rand -hex 32`')),
  MATTE_MODELS: z.preprocess(
    (value) => value || '',
    z
      .string()
      .regex(/^([a-z\d-]+(,|$))*$/, `is no list of models: ${variable('isnet-1024,u2net-320')}, without spaces`)
      .transform((text) => text.split(',').filter(Boolean)),
  ),
  MATTE_MOST_DOUBT: z.preprocess(
    // In wrangler.toml it may be a number: 0 is one, not a missing value.
    (value) => (typeof value === 'number' ? String(value) : value || String(defaultMostDoubt)),
    z
      .string()
      .regex(/^(0(\.\d{1,4})?|1(\.0+)?)$/, 'must be a number from 0 to 1; 1 asks the Container for no second opinion')
      .transform(Number),
  ),
  ADMIN_TOKEN: optional(z.string().min(32, 'is too short: use the output of `openssl rand -hex 32`')),
})

/** MPP is offered when any of these is set; then all but the last two are needed. */
const mppSchema = z.object({
  MPP_SECRET_KEY: key('MPP_SECRET_KEY'),
  TEMPO_CHAIN_ID: z.enum(['4217', '42431'], { error: 'must be "4217" (Tempo) or "42431" (its testnet)' }),
  TEMPO_RPC_URL: url(secret('TEMPO_RPC_URL')),
  TEMPO_PAY_TO: address(secret('TEMPO_PAY_TO')),
  MPP_FEE_PAYER_KEY: optional(
    z.string().regex(/^0x[\da-f]{64}$/i, 'is not a private key: 0x and 64 hexadecimal digits'),
  ),
  MPP_SECRET_KEY_PREVIOUS: optional(z.string().min(32, 'is too short to have been a secret key')),
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
  problems.push(`FACILITATOR_URL is missing: ${variable('https://x402.org/facilitator')}, or set the CDP keys`)
  return null
}

/** What a schema makes of `env`, field by field; what is wrong goes to `problems`. */
function readFields<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: ReadonlyMap<string, unknown>,
  problems: string[],
): Partial<z.infer<typeof schema>> {
  const values: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(schema.shape as unknown as Record<string, z.ZodType>)) {
    const parsed = field.safeParse(env.get(name))
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name} ${parsed.error.issues[0]?.message}`)
  }
  return values as Partial<z.infer<typeof schema>>
}

function readMpp(env: ReadonlyMap<string, unknown>, network: string | undefined, problems: string[]): MppConfig | null {
  if (!Object.keys(mppSchema.shape).some((name) => env.get(name))) return null
  const values = readFields(mppSchema, env, problems)
  const {
    MPP_SECRET_KEY: secretKey,
    TEMPO_RPC_URL: rpcUrl,
    TEMPO_CHAIN_ID,
    TEMPO_PAY_TO,
    MPP_SECRET_KEY_PREVIOUS,
  } = values
  const isTestnet = TEMPO_CHAIN_ID === '42431'
  if (TEMPO_CHAIN_ID && network && isTestnet !== (network === 'eip155:84532')) {
    problems.push('TEMPO_CHAIN_ID and EVM_NETWORK must both be mainnets, or both be testnets')
  }
  if (!secretKey || !rpcUrl || !TEMPO_CHAIN_ID || !TEMPO_PAY_TO) return null
  return {
    chainId: isTestnet ? 42431 : 4217,
    payTo: TEMPO_PAY_TO as `0x${string}`,
    rpcUrl,
    secretKey,
    previousSecretKey: MPP_SECRET_KEY_PREVIOUS ?? null,
    sponsorKey: (values.MPP_FEE_PAYER_KEY as `0x${string}` | undefined) ?? null,
  }
}

/**
 * Reads the whole configuration once. Never throws: what is wrong stands in `problems`, all of it at once, and free
 * calls go on with defaults. Values are never repeated in a problem: some are secrets. With any problem nothing is sold.
 */
export function readConfig(env: object): Config {
  const source = new Map(Object.entries(env))
  const problems: string[] = []
  const known = readFields(schema, source, problems)
  const facilitator = readFacilitator(known, problems)
  const { EVM_NETWORK: network, PAY_TO: payTo, EVM_RPC_URL: rpcUrl, CHALLENGE_SECRET: challengeSecret } = known
  const mpp = readMpp(source, network, problems)
  const generation = readGeneration(source, problems)
  const names = [
    known.X402_HOST,
    known.MPP_HOST,
    known.IMAGES_HOST,
    known.PUBLIC_URL && new URL(known.PUBLIC_URL).hostname,
  ]
  const set = names.filter((name) => name !== undefined)
  if (new Set(set).size < set.length)
    problems.push('PUBLIC_URL, X402_HOST, MPP_HOST and IMAGES_HOST must be different hosts')
  const isSound = problems.length === 0
  const hasX402 = isSound && network && payTo && rpcUrl && challengeSecret && facilitator
  return {
    publicUrl: (known.PUBLIC_URL ?? 'http://localhost:8787').replace(/\/+$/, ''),
    prices: {
      removeBackground: known.PRICE_REMOVE_BACKGROUND ?? '0.05',
      upload: known.PRICE_UPLOAD ?? '0.01',
      storeYear: known.PRICE_STORE_YEAR ?? '0.01',
    },
    // A malformed number is a problem, and then nothing is free either: better than no limit.
    freeUploads: { perClient: known.FREE_UPLOADS_PER_ADDRESS ?? 0, inAll: known.FREE_UPLOADS_PER_DAY ?? 0 },
    hosts: { x402: known.X402_HOST ?? null, mpp: known.MPP_HOST ?? null, images: known.IMAGES_HOST ?? null },
    x402: hasX402 ? { network, payTo: payTo as `0x${string}`, rpcUrl, challengeSecret, facilitator } : null,
    mpp: isSound ? mpp : null,
    maxUnpaidLossPerHour: known.MAX_UNPAID_LOSS_PER_HOUR ?? '5',
    container: known.CONTAINER_URL
      ? { url: known.CONTAINER_URL.replace(/\/+$/, ''), token: known.CONTAINER_TOKEN ?? null }
      : null,
    matteModels: known.MATTE_MODELS ?? [],
    mostDoubt: known.MATTE_MOST_DOUBT ?? defaultMostDoubt,
    adminToken: known.ADMIN_TOKEN ?? null,
    generation,
    problems,
  }
}
