import { block, explainError, explainRefusal, fail, finish, type Refusals } from '../failures.ts'
import { createOutputReader } from '../outputs.ts'
import type { GenerationTask, Provider, UpstreamState } from '../provider.ts'
import { isRecord, redactJson } from '../upstream-error.ts'
import { createUpstream } from '../upstream-fetch.ts'
import type { ProviderOptions } from './options.ts'

/** It works while we wait, and bills whoever hangs up. */
const TIMEOUT_MS = 180_000
const DOWNLOAD_TIMEOUT_MS = 60_000

/** ModelArk takes pixels, no ratios: landscape sizes at 2K and 4K (302.ai's table of ModelArk's recommended sizes). */
const sizes: Readonly<Record<string, readonly [twoK: string, fourK: string]>> = {
  '1:1': ['2048x2048', '4096x4096'],
  '4:3': ['2304x1728', '4694x3520'],
  '3:2': ['2496x1664', '4992x3328'],
  '16:9': ['2560x1440', '5404x3040'],
  '21:9': ['3024x1296', '6198x2656'],
}

/** The pixels for a ratio and a resolution, such as `2560x1440`; null where there are none. 1k is half of 2k. */
export function chooseSize(aspectRatio: string, resolution: string | null): string | null {
  const [across = 0, down = 0] = aspectRatio.split(':').map(Number)
  const row = sizes[across < down ? `${down}:${across}` : aspectRatio]
  if (!row) return null
  const pixels = (resolution?.toLowerCase() === '4k' ? row[1] : row[0]).split('x').map(Number)
  const scaled = resolution?.toLowerCase() === '1k' ? pixels.map((side) => side / 2) : pixels
  return (across < down ? scaled.toReversed() : scaled).join('x')
}

/** ModelArk's codes, "Error codes" (docs.byteplus.com/en/docs/ModelArk/1299023). Blocked calls are not billed. */
const refusals: Refusals = {
  isBlocked: (code) => /SensitiveContentDetected|RiskDetection|ContentSecurityDetection/.test(code),
  isOurs: ({ code }) => code === 'AuthenticationError' || code === 'AccountOverdueError',
}

/** The first image, or the error that stands in its place or in place of all of them. */
function readAnswer(answer: unknown) {
  const { data, error } = isRecord(answer) ? answer : {}
  const items = Array.isArray(data) ? data.filter(isRecord) : []
  const errors = [...items.map((item) => item.error), error]
  return { url: items.find(({ url }) => typeof url === 'string')?.url, error: errors.find(isRecord) ?? null }
}

/**
 * Images by Seedream on BytePlus ModelArk. Synchronous; the image is fetched within the call: its URL dies in a day.
 */
export function createSeedream(
  { ARK_API_KEY, ARK_BASE_URL }: Readonly<Record<'ARK_API_KEY' | 'ARK_BASE_URL', string>>,
  { pause, timeoutMs, maxOutputBytes }: ProviderOptions = {},
): Provider {
  const secrets = () => [ARK_API_KEY]
  const upstream = createUpstream({
    baseUrl: ARK_BASE_URL,
    secrets,
    authorize: { headers: () => ({ authorization: `Bearer ${ARK_API_KEY}` }) },
    ...(pause && { pause }),
  })

  const request = (
    task: GenerationTask,
    size: string,
    openString: ReturnType<typeof createOutputReader>['openString'],
  ) =>
    upstream.call({
      path: '/images/generations',
      body: {
        model: task.upstreamId,
        prompt: task.prompt,
        size,
        response_format: 'url',
        sequential_image_generation: 'disabled',
        // Else it writes "AI generated" into the picture.
        watermark: false,
      },
      isRepeatable: false,
      timeoutMs: timeoutMs ?? TIMEOUT_MS,
      maxBytes: 256 * 1024,
      openString,
    })

  return {
    name: 'seedream',
    async start(task, sinks): Promise<UpstreamState> {
      const size = chooseSize(task.aspectRatio, task.resolution)
      if (!size) return fail(`The upstream has no size for ${task.aspectRatio}.`, false)
      let hasBegun = false
      try {
        const reader = createOutputReader(task.kind, sinks, 'b64_json', maxOutputBytes)
        const { url, error } = readAnswer(await request(task, size, reader.openString))
        hasBegun = true
        if (typeof url === 'string') {
          const limits = { maxBytes: reader.maxBytes, timeoutMs: timeoutMs ?? DOWNLOAD_TIMEOUT_MS }
          return finish(await reader.copy(upstream.openOutput(url, limits)))
        }
        if (!error) return block(task.kind)
        if (/^Internal/.test(String(error.code))) return fail('The upstream made no image this time.', true)
        return explainRefusal('seedream', task, refusals, redactJson(error, secrets()) as typeof error, null)
      } catch (error) {
        return explainError('seedream', task, refusals, error, hasBegun)
      }
    },
  }
}
