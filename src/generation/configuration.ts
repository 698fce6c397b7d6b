import * as z from 'zod'
import { findLosses } from './catalogue.ts'
import { type GenerationModel, generationModels } from './models.ts'
import { type ProviderName, type ProviderSpec, providers } from './providers/index.ts'

/** What a deployment's generation is made of. */
export interface GenerationConfig {
  readonly models: readonly GenerationModel[]
  /** The variables of every provider that has what it needs. */
  readonly providers: Readonly<Partial<Record<ProviderName, Readonly<Record<string, string>>>>>
  /** Whether the local stand-in serves models that nobody else does. */
  readonly allowPreview: boolean
  /** What the operator should know, though everything works. */
  readonly warnings: readonly string[]
}

/** The latest deadline of what is paid for on completion: so much of 15 minutes is left for all the rest. */
const MAX_DEFERRED_S = 700

const amount = z.string().regex(/^(0|[1-9]\d{0,5})(\.\d{1,6})?$/, 'must be US dollars as text, such as "0.05"')
const rateOf = (money: typeof amount) =>
  z.strictObject({
    base: money,
    // As requests name them.
    byResolution: z.record(z.string().lowercase('must name resolutions in lower case'), money).optional(),
    perSecond: z.literal(true).optional(),
  })
const price = amount.refine((text) => Number(text) > 0, 'must be more than nothing')

/** What an operator may change of a row. */
const override = z.strictObject({
  provider: z.enum(Object.keys(providers) as [ProviderName, ...ProviderName[]]).optional(),
  upstreamId: z.string().min(1).optional(),
  aspectRatios: z
    .array(z.string().regex(/^\d{1,2}:\d{1,2}$/))
    .min(1)
    .optional(),
  resolutions: z.array(z.string().lowercase('must be in lower case')).optional(),
  durations: z.array(z.number().int().positive()).optional(),
  price: rateOf(price).optional(),
  cost: rateOf(amount).optional(),
  settlement: z.enum(['on_accept', 'on_success']).optional(),
  deadlineSeconds: z.number().int().min(10).max(3600).optional(),
  sunset: z.iso.date().nullable().optional(),
  fallback: z.string().nullable().optional(),
})

/** What a row must be among the others. */
const rowRules: readonly {
  readonly field: keyof GenerationModel
  readonly reason: string
  holds(model: GenerationModel, all: readonly GenerationModel[]): boolean
}[] = [
  {
    field: 'settlement',
    reason: `"on_success" needs a "deadlineSeconds" of at most ${MAX_DEFERRED_S}: payments live 15 minutes`,
    holds: ({ settlement, deadlineSeconds }) => settlement === 'on_accept' || deadlineSeconds <= MAX_DEFERRED_S,
  },
  {
    field: 'fallback',
    reason: 'must name another model of the same kind',
    holds: ({ name, kind, fallback }, all) =>
      fallback === null || all.some((row) => row.name === fallback && row.kind === kind && row.name !== name),
  },
  {
    field: 'provider',
    reason: 'must be one that makes what the model is for',
    holds: ({ provider, kind }) => (providers[provider as ProviderName] as ProviderSpec | undefined)?.kind === kind,
  },
]

function readModels(text: string | undefined, problems: string[]): readonly GenerationModel[] {
  if (!text) return generationModels
  let changes: unknown
  try {
    changes = JSON.parse(text)
    if (typeof changes !== 'object' || changes === null || Array.isArray(changes)) throw new SyntaxError()
  } catch {
    problems.push('GENERATION_MODELS is not JSON: {"model": {"field": value}}')
    return generationModels
  }
  const parsed = z
    .record(z.enum(generationModels.map(({ name }) => name) as [string, ...string[]]), override)
    .safeParse(
      Object.fromEntries([
        ...generationModels.map(({ name }) => [name, {}] as const),
        ...Object.entries(Object(changes)),
      ]),
    )
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    problems.push(`GENERATION_MODELS is not valid at "${issue?.path.join('.')}": ${issue?.message}`)
    return generationModels
  }
  // What is not given stays; zod leaves out what is absent.
  const models = generationModels.map((model) => ({ ...model, ...parsed.data[model.name] }) as GenerationModel)
  for (const model of models) {
    for (const { field, reason, holds } of rowRules) {
      if (!holds(model, models)) problems.push(`GENERATION_MODELS is not valid at "${model.name}.${field}": ${reason}`)
    }
  }
  return models
}

function readProvider(
  spec: ProviderSpec,
  env: ReadonlyMap<string, unknown>,
  problems: string[],
): Readonly<Record<string, string>> | null {
  const variables = Object.entries(spec.variables)
  const needed = variables.filter(([, { fallback }]) => fallback === null)
  if (!needed.some(([name]) => env.get(name))) return null
  const before = problems.length
  const values: Record<string, string> = {}
  for (const [name, { fallback, isSecret, check }] of variables) {
    const value = env.get(name) || fallback
    const fix = isSecret ? `npx wrangler secret put ${name}` : 'set it under [vars] in wrangler.toml'
    const problem = typeof value === 'string' ? check(value) : `is missing: ${fix}`
    if (problem) problems.push(`${name} ${problem}`)
    else values[name] = value as string
  }
  return problems.length === before ? values : null
}

/** Reads what generation needs of the environment; what is wrong goes to `problems`, without values. */
export function readGeneration(env: ReadonlyMap<string, unknown>, problems: string[]): GenerationConfig {
  const text = env.get('GENERATION_MODELS')
  const models = readModels(typeof text === 'string' ? text : undefined, problems)
  const configured = Object.entries(providers).flatMap(([name, spec]) => {
    const values = readProvider(spec as ProviderSpec, env, problems)
    return values ? [[name, values] as const] : []
  })
  const allowed = env.get('ALLOW_LOCAL_PREVIEW') || 'false'
  if (allowed !== 'true' && allowed !== 'false') problems.push('ALLOW_LOCAL_PREVIEW must be "true" or "false"')
  const set = Object.fromEntries(configured) as GenerationConfig['providers']
  const findUpstream = (model: GenerationModel) =>
    [model, models.find(({ name }) => name === model.fallback)].find((row) => row && Object.hasOwn(set, row.provider))
  return {
    models,
    providers: set,
    allowPreview: allowed === 'true',
    warnings: findLosses(
      models.filter((model) => findUpstream(model)),
      (model) => findUpstream(model)!.cost,
    ),
  }
}
