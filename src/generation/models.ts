/** Aspect ratios that Gemini's image models take (ai.google.dev, "Image generation"). */
const GEMINI_RATIOS = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']
/** Ratios that Seedream has fixed sizes for (ModelArk, "Image generation API"). */
const SEEDREAM_RATIOS = ['1:1', '4:3', '3:4', '3:2', '2:3', '16:9', '9:16', '21:9']

/** A price or a cost in US dollars as decimal text, by what a request asks for. */
export interface Rate {
  /** For the default resolution, or for a second of video where `perSecond` says so. */
  readonly base: string
  /** Where another resolution costs something else. */
  readonly byResolution?: Readonly<Record<string, string>>
  readonly perSecond?: true
}

/** A generation model that callers name: an alias, whose row says what stands behind it. */
export interface GenerationModel {
  readonly name: string
  readonly kind: 'image' | 'video'
  /** Row of `providers/index.ts`. */
  readonly provider: string
  /** The upstream's own name of it. */
  readonly upstreamId: string
  /** The first is the default. */
  readonly aspectRatios: readonly string[]
  /** The first is the default; empty: no choice. */
  readonly resolutions: readonly string[]
  /** Seconds of video; the first is the default. */
  readonly durations: readonly number[]
  readonly price: Rate
  /** What the upstream asks of the operator. */
  readonly cost: Rate
  /** When a caller pays: when the job is accepted, or when its output is stored. */
  readonly settlement: 'on_accept' | 'on_success'
  /** After so many seconds a job has failed: `timed_out`. */
  readonly deadlineSeconds: number
  /** The day on which the upstream retires it, ISO 8601; null: none is known. */
  readonly sunset: string | null
  /** The model that takes its place where its own upstream is not configured or gone. */
  readonly fallback: string | null
}

const image = {
  kind: 'image',
  durations: [],
  settlement: 'on_accept',
  deadlineSeconds: 300,
  sunset: null,
  fallback: null,
} as const
const video = {
  kind: 'video',
  aspectRatios: ['16:9', '9:16'],
  settlement: 'on_accept',
  deadlineSeconds: 900,
  sunset: null,
  fallback: null,
} as const

/** Upstream costs as published in November 2026; a row is changed by configuration, not here (`GENERATION_MODELS`). */
export const generationModels: readonly GenerationModel[] = [
  {
    ...image,
    name: 'nano-banana-2',
    provider: 'gemini',
    upstreamId: 'gemini-nano-banana-2.1',
    aspectRatios: [...GEMINI_RATIOS, '1:4', '4:1', '1:8', '8:1'],
    resolutions: ['1k', '2k', '4k'],
    price: { base: '0.05', byResolution: { '2k': '0.08', '4k': '0.12' } },
    cost: { base: '0.0336', byResolution: { '2k': '0.05', '4k': '0.076' } },
  },
  {
    ...image,
    name: 'nano-banana-pro',
    provider: 'gemini',
    upstreamId: 'gemini-3-pro-image',
    aspectRatios: GEMINI_RATIOS,
    resolutions: ['1k', '2k', '4k'],
    // Below its cost, as a warning at the start says: what it sells for is the operator's to raise.
    price: { base: '0.05' },
    cost: { base: '0.134', byResolution: { '4k': '0.24' } },
  },
  {
    ...image,
    name: 'seedream-4.0',
    provider: 'seedream',
    upstreamId: 'seedream-4-0-250828',
    aspectRatios: SEEDREAM_RATIOS,
    resolutions: ['1k', '2k', '4k'],
    price: { base: '0.05' },
    cost: { base: '0.03' },
  },
  {
    // No upstream of this name is known: the operator may set another.
    ...image,
    name: 'seedream-4.6',
    provider: 'seedream',
    upstreamId: 'seedream-4-5-251128',
    aspectRatios: SEEDREAM_RATIOS,
    resolutions: ['2k', '4k'],
    price: { base: '0.05' },
    cost: { base: '0.04' },
  },
  {
    ...video,
    name: 'veo-3.1-fast',
    provider: 'veo',
    upstreamId: 'veo-3.1-fast-generate-001',
    resolutions: ['720p', '1080p', '4k'],
    durations: [4, 6, 8],
    price: { base: '0.25' },
    cost: { base: '0.1', byResolution: { '1080p': '0.12', '4k': '0.3' }, perSecond: true },
  },
  {
    ...video,
    name: 'veo-3.1-lite',
    provider: 'veo',
    upstreamId: 'veo-3.1-lite-generate-001',
    resolutions: ['720p', '1080p'],
    durations: [4, 6, 8],
    price: { base: '0.25' },
    cost: { base: '0.05', byResolution: { '1080p': '0.08' }, perSecond: true },
  },
]
