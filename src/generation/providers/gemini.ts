import { block, explainError, fail, finish, type Refusals } from '../failures.ts'
import { createOutputReader } from '../outputs.ts'
import type { GenerationTask, Provider, UpstreamState } from '../provider.ts'
import { isRecord } from '../upstream-error.ts'
import { createUpstream } from '../upstream-fetch.ts'
import type { ProviderOptions } from './options.ts'

/** A picture in 4K takes more than a minute. */
const TIMEOUT_MS = 180_000
/** An answer holds its drafts too: up to ten were seen, smaller ones. */
const DRAFTS = 6

/**
 * Why a candidate ended (Gemini API reference, `Candidate.FinishReason`): it was refused, or it went wrong and may go
 * well the next time. With the others an image is there, or it was refused in words: `STOP` and a text.
 */
const endings: Readonly<Record<string, 'refused' | 'went_wrong'>> = {
  SAFETY: 'refused',
  RECITATION: 'refused',
  BLOCKLIST: 'refused',
  PROHIBITED_CONTENT: 'refused',
  SPII: 'refused',
  IMAGE_SAFETY: 'refused',
  IMAGE_PROHIBITED_CONTENT: 'refused',
  IMAGE_RECITATION: 'refused',
  LANGUAGE: 'went_wrong',
  MAX_TOKENS: 'went_wrong',
  OTHER: 'went_wrong',
  NO_IMAGE: 'went_wrong',
  IMAGE_OTHER: 'went_wrong',
  MALFORMED_FUNCTION_CALL: 'went_wrong',
  MALFORMED_RESPONSE: 'went_wrong',
  UNEXPECTED_TOOL_CALL: 'went_wrong',
  CONTINUATION: 'went_wrong',
}

const refusals: Refusals = {
  isBlocked: (code, message) =>
    code === 'INVALID_ARGUMENT' && /\b(?:safety|prohibited|usage guidelines)\b/i.test(message),
  // A key that is none is answered 400 INVALID_ARGUMENT (google.rpc.ErrorInfo, API_KEY_INVALID).
  isOurs: ({ details }) =>
    Array.isArray(details) && details.some((detail) => isRecord(detail) && /^API_KEY_/.test(String(detail.reason))),
}

const createBody = ({ prompt, aspectRatio, resolution }: GenerationTask) => ({
  contents: [{ role: 'user', parts: [{ text: prompt }] }],
  generationConfig: {
    responseModalities: ['IMAGE'],
    // `2k` is refused: the K must be upper case.
    imageConfig: { aspectRatio, ...(resolution && { imageSize: resolution.toUpperCase() }) },
  },
})

/** The answer's one candidate. Images in it that are thoughts are drafts; of the others the last one counts. */
function readAnswer(answer: unknown) {
  const { candidates, promptFeedback } = isRecord(answer) ? answer : {}
  const candidate = Array.isArray(candidates) ? candidates.find(isRecord) : undefined
  const content = isRecord(candidate?.content) ? candidate.content : {}
  const parts = Array.isArray(content.parts) ? content.parts.filter(isRecord) : []
  const image = parts.filter(({ thought, inlineData }) => thought !== true && isRecord(inlineData)).at(-1)
  return {
    hasCandidate: candidate !== undefined,
    data: isRecord(image?.inlineData) ? image.inlineData.data : null,
    finishReason: String(candidate?.finishReason ?? ''),
    blockReason: isRecord(promptFeedback) ? promptFeedback.blockReason : undefined,
  }
}

/**
 * Images by the Gemini API's `generateContent`. The answer comes with the call; its base64 goes to the sinks as it
 * comes.
 */
export function createGemini(
  { GEMINI_API_KEY, GEMINI_BASE_URL }: Readonly<Record<'GEMINI_API_KEY' | 'GEMINI_BASE_URL', string>>,
  { pause, timeoutMs = TIMEOUT_MS, maxOutputBytes }: ProviderOptions = {},
): Provider {
  const upstream = createUpstream({
    baseUrl: GEMINI_BASE_URL,
    secrets: () => [GEMINI_API_KEY],
    authorize: { headers: () => ({ 'x-goog-api-key': GEMINI_API_KEY }) },
    ...(pause && { pause }),
  })
  return {
    name: 'gemini',
    async start(task, sinks): Promise<UpstreamState> {
      try {
        const reader = createOutputReader(task.kind, sinks, 'data', maxOutputBytes)
        const answer = await upstream.call({
          path: `/models/${encodeURIComponent(task.upstreamId)}:generateContent`,
          body: createBody(task),
          isRepeatable: false,
          timeoutMs,
          maxBytes: reader.maxBytes * DRAFTS,
          openString: reader.openString,
        })
        const { hasCandidate, data, finishReason, blockReason } = readAnswer(answer)
        if (blockReason) return block(task.kind, String(blockReason))
        if (endings[finishReason] === 'refused') return block(task.kind, finishReason)
        const output = await reader.take(data)
        if (output) return finish(output)
        const wentWrong = !hasCandidate || endings[finishReason] === 'went_wrong'
        return wentWrong ? fail('The upstream made no image this time.', true) : block(task.kind)
      } catch (error) {
        return explainError('gemini', task, refusals, error)
      }
    },
  }
}
