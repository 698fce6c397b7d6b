import { readServiceAccount } from '../google-token.ts'
import type { GenerationTask, Provider } from '../provider.ts'
import { createGemini } from './gemini.ts'
import { createOpenaiImages } from './openai-images.ts'
import type { ProviderOptions } from './options.ts'
import { createSeedream } from './seedream.ts'
import { createVeo } from './veo.ts'

/** One variable that a provider is configured by. */
export interface ProviderVariable {
  /** Set with `wrangler secret put`, and never shown. */
  readonly isSecret: boolean
  /** What it is when it is not set; null: the provider is not configured without it. */
  readonly fallback: string | null
  /** Says what is wrong with a value, as the end of a sentence that its name begins; null when it is right. */
  check(text: string): string | null
}

/** What a provider needs, and what makes it of that. */
export interface ProviderSpec<Name extends string = string> {
  /** What it makes. */
  readonly kind: GenerationTask['kind']
  readonly variables: Readonly<Record<Name, ProviderVariable>>
  /** @param values one for every variable, checked; what is not set is its fallback */
  create(values: Readonly<Record<Name, string>>, options?: ProviderOptions): Provider
}

const define = <Name extends string>(spec: ProviderSpec<Name>): ProviderSpec<Name> => spec

const key: ProviderVariable = {
  isSecret: true,
  fallback: null,
  check: (text) => (/^[\x21-\x7e]{8,512}$/.test(text) ? null : 'is no API key: it has spaces, or is too short'),
}

const url = (fallback: string | null): ProviderVariable => ({
  isSecret: false,
  fallback,
  check(text) {
    if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) return 'is not a URL'
    const { username, password, search, hash } = new URL(text)
    return username || password || search || hash ? 'must be a URL with a path and no more' : null
  },
})

/** Every provider: its name is what a model's row says. `/v1/models` and the contract tests are derived from it. */
export const providers = {
  gemini: define({
    kind: 'image',
    variables: { GEMINI_API_KEY: key, GEMINI_BASE_URL: url('https://generativelanguage.googleapis.com/v1beta') },
    create: createGemini,
  }),
  veo: define({
    kind: 'video',
    variables: {
      VERTEX_SERVICE_ACCOUNT: {
        isSecret: true,
        fallback: null,
        check(text) {
          try {
            readServiceAccount(text)
            return null
          } catch (error) {
            return (error as Error).message
          }
        },
      },
      VERTEX_LOCATION: {
        isSecret: false,
        fallback: 'us-central1',
        check: (text) => (/^[a-z\d-]+$/.test(text) ? null : 'is no location, such as "us-central1"'),
      },
      // Empty: the location's own host.
      VERTEX_BASE_URL: { ...url(''), check: (text) => (text ? url('').check(text) : null) },
    },
    create: createVeo,
  }),
  seedream: define({
    kind: 'image',
    variables: { ARK_API_KEY: key, ARK_BASE_URL: url('https://ark.ap-southeast.bytepluses.com/api/v3') },
    create: createSeedream,
  }),
  'openai-images': define({
    kind: 'image',
    variables: { OPENAI_IMAGES_API_KEY: key, OPENAI_IMAGES_BASE_URL: url(null) },
    create: createOpenaiImages,
  }),
} as const

export type ProviderName = keyof typeof providers
