import { addPrices, isLess, multiplyPrice, type Price } from '../price.ts'
import type { GenerationModel, Rate } from './models.ts'

/** The provider that draws by itself, for those who have no keys. */
export const PREVIEW = 'local-preview'

const preview = {
  name: PREVIEW,
  provider: PREVIEW,
  upstreamId: PREVIEW,
  settlement: 'on_accept',
  sunset: null,
  fallback: null,
  cost: { base: '0' },
} as const

/** What the stand-in takes: all that the models take whose place it takes. */
export const previewModels: readonly GenerationModel[] = [
  {
    ...preview,
    kind: 'image',
    aspectRatios: ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9', '1:4', '4:1', '1:8', '8:1'],
    resolutions: ['1k', '2k', '4k'],
    durations: [],
    price: { base: '0.05' },
    deadlineSeconds: 120,
  },
  {
    ...preview,
    kind: 'video',
    aspectRatios: ['16:9', '9:16'],
    resolutions: ['720p'],
    durations: [4, 6, 8],
    price: { base: '0.25' },
    deadlineSeconds: 300,
  },
]

/** Who generates for a model: its own upstream, or another row in its place. */
export interface Server {
  readonly provider: string
  readonly upstreamId: string
  readonly deadlineSeconds: number
  /** The row that serves instead; null: its own. */
  readonly servedBy: string | null
}

/** A row as it stands in this deployment. */
export interface ListedModel {
  readonly model: GenerationModel
  /** Null: nobody generates for it. */
  readonly server: Server | null
}

export interface CatalogueParts {
  readonly models: readonly GenerationModel[]
  /** Whether a provider has what it needs. */
  isConfigured(provider: string): boolean
  /** Whether the stand-in serves models that nobody else does. */
  readonly allowPreview: boolean
  /** Today, `2026-11-27`. */
  readonly today: string
}

const rateOf = (
  { base, byResolution = {}, perSecond }: Rate,
  resolution: string | null,
  seconds: number | null,
): Price => multiplyPrice(byResolution[resolution ?? ''] ?? base, perSecond ? (seconds ?? 1) : 1)

/** What a request for a model costs its caller. */
export const priceOf = ({ price }: GenerationModel, resolution: string | null, seconds: number | null): Price =>
  rateOf(price, resolution, seconds)

/** What the first model of a kind costs that asks for nothing in particular: what a 402 without a request asks. */
export function basicPrice(kind: GenerationModel['kind'], listed: readonly ListedModel[]): Price {
  const { model } = listed.find((row) => row.model.kind === kind)!
  return priceOf(model, model.resolutions[0] ?? null, model.durations[0] ?? null)
}

/** With the background removed, too. */
export const withCutOut = (price: Price, removal: Price): Price => addPrices(price, removal)

/** All models, each with who serves it here. */
export function listModels({ models, isConfigured, allowPreview, today }: CatalogueParts): ListedModel[] {
  const isServed = ({ provider, sunset }: GenerationModel) =>
    isConfigured(provider) && (sunset === null || today < sunset)
  const serve = (by: GenerationModel, servedBy: string | null): Server => ({
    provider: by.provider,
    upstreamId: by.upstreamId,
    deadlineSeconds: by.deadlineSeconds,
    servedBy,
  })
  /** What the alias takes and whoever serves it can make. */
  const listAs = (model: GenerationModel, by: GenerationModel, servedBy: string | null): ListedModel => {
    const both = <Value>(own: readonly Value[], others: readonly Value[]) =>
      own.filter((value) => others.includes(value))
    const narrowed = {
      ...model,
      aspectRatios: both(model.aspectRatios, by.aspectRatios),
      resolutions: both(model.resolutions, by.resolutions),
      durations: both(model.durations, by.durations),
    }
    const isPossible =
      narrowed.aspectRatios.length > 0 &&
      (model.resolutions.length === 0 || narrowed.resolutions.length > 0) &&
      (model.durations.length === 0 || narrowed.durations.length > 0)
    return isPossible ? { model: narrowed, server: serve(by, servedBy) } : { model, server: null }
  }
  return [...models, ...previewModels].map((model) => {
    if (isServed(model)) return { model, server: serve(model, null) }
    const fallback = models.find(({ name, kind }) => name === model.fallback && kind === model.kind)
    if (fallback && isServed(fallback)) return listAs(model, fallback, fallback.name)
    const stand = previewModels.find(({ kind }) => kind === model.kind)!
    const canStand = allowPreview && isConfigured(PREVIEW)
    return canStand ? listAs(model, stand, PREVIEW) : { model, server: null }
  })
}

/**
 * Rows that sell below what they cost, each as a sentence for the operator.
 * @param costOf what a row's own upstream costs, or that of whoever serves it instead
 */
export function findLosses(
  models: readonly GenerationModel[],
  costOf: (model: GenerationModel) => Rate = ({ cost }) => cost,
): string[] {
  return models.flatMap((model) => {
    const { name, price, resolutions, durations } = model
    const cost = costOf(model)
    const asked = (resolutions.length > 0 ? resolutions : [null]).flatMap((resolution) =>
      (durations.length > 0 ? durations : [null]).map((seconds) => ({ resolution, seconds })),
    )
    const losses = asked.filter(({ resolution, seconds }) =>
      isLess(rateOf(price, resolution, seconds), rateOf(cost, resolution, seconds)),
    )
    if (losses.length === 0) return []
    const cases = losses.map(({ resolution, seconds }) =>
      [resolution, seconds && `${seconds} s`].filter(Boolean).join(' '),
    )
    return [`the model ${name} sells below its cost at ${cases.join(', ')}`]
  })
}
