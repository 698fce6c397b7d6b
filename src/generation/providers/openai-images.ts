import { block, explainError, fail, finish, type Refusals } from '../failures.ts'
import { createOutputReader } from '../outputs.ts'
import type { GenerationTask, Provider, UpstreamState } from '../provider.ts'
import { isRecord } from '../upstream-error.ts'
import { createUpstream } from '../upstream-fetch.ts'
import type { ProviderOptions } from './options.ts'

const TIMEOUT_MS = 180_000
const DOWNLOAD_TIMEOUT_MS = 60_000

/** Sizes at 1k by landscape ratio: those that OpenAI's models take, else the buckets of SDXL, which others take. */
const sizes: Readonly<Record<string, readonly [width: number, height: number]>> = {
  '1:1': [1024, 1024],
  '3:2': [1536, 1024],
  '16:9': [1792, 1024],
  '4:3': [1152, 896],
  '5:4': [1280, 1024],
  '21:9': [1536, 640],
}
const scales: Readonly<Record<string, number>> = { '1k': 1, '2k': 2, '4k': 4 }

/** The pixels for a ratio and a resolution (1k without one), such as `1024x1536`; null where there are none. */
export function chooseOpenaiSize(aspectRatio: string, resolution: string | null): string | null {
  const [across = 0, down = 0] = aspectRatio.split(':').map(Number)
  const row = sizes[across < down ? `${down}:${across}` : aspectRatio]
  const scale = scales[(resolution ?? '1k').toLowerCase()]
  if (!row || !scale) return null
  return (across < down ? row.toReversed() : row).map((side) => side * scale).join('x')
}

/** OpenAI's API reference, "Error codes"; `moderation_blocked` is what its newer models say. */
const refusals: Refusals = {
  isBlocked: (code) => /^(?:content_policy_violation|moderation_blocked|content_filter)$/.test(code),
  isOurs: ({ code }) => code === 'invalid_api_key' || code === 'billing_hard_limit_reached',
}

/** These always answer base64 and refuse the parameter that asks for it (OpenAI API reference, "Create image"). */
const isBase64Only = (model: string): boolean => /^(?:chatgpt|gpt)-image/.test(model)

const createBody = ({ upstreamId, prompt }: GenerationTask, size: string) => ({
  model: upstreamId,
  prompt,
  n: 1,
  size,
  ...(!isBase64Only(upstreamId) && { response_format: 'b64_json' }),
})

function readImage(answer: unknown): Record<string, unknown> {
  const data = isRecord(answer) ? answer.data : null
  return (Array.isArray(data) ? data.find(isRecord) : undefined) ?? {}
}

/** Images by any server that speaks OpenAI's `POST /images/generations`: base64 in the answer, or a URL. */
export function createOpenaiImages(
  values: Readonly<Record<'OPENAI_IMAGES_API_KEY' | 'OPENAI_IMAGES_BASE_URL', string>>,
  { pause, timeoutMs, maxOutputBytes }: ProviderOptions = {},
): Provider {
  const key = values.OPENAI_IMAGES_API_KEY
  const upstream = createUpstream({
    baseUrl: values.OPENAI_IMAGES_BASE_URL,
    secrets: () => [key],
    authorize: { headers: () => ({ authorization: `Bearer ${key}` }) },
    ...(pause && { pause }),
  })
  return {
    name: 'openai-images',
    async start(task, sinks): Promise<UpstreamState> {
      const size = chooseOpenaiSize(task.aspectRatio, task.resolution)
      if (!size) return fail(`The upstream has no size for ${task.aspectRatio}.`, false)
      let hasBegun = false
      try {
        const reader = createOutputReader(task.kind, sinks, 'b64_json', maxOutputBytes)
        const image = readImage(
          await upstream.call({
            path: '/images/generations',
            body: createBody(task, size),
            isRepeatable: false,
            timeoutMs: timeoutMs ?? TIMEOUT_MS,
            maxBytes: reader.maxBytes * 2,
            openString: reader.openString,
          }),
        )
        hasBegun = true
        const output = await reader.take(image.b64_json)
        if (output) return finish(output)
        if (typeof image.url !== 'string') return block(task.kind)
        const limits = { maxBytes: reader.maxBytes, timeoutMs: timeoutMs ?? DOWNLOAD_TIMEOUT_MS }
        return finish(await reader.copy(upstream.openOutput(image.url, limits)))
      } catch (error) {
        return explainError('openai-images', task, refusals, error, hasBegun)
      }
    },
  }
}
