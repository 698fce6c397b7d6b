import { block, explainError, fail, finish, type Refusals, reportUpstream } from '../failures.ts'
import { createGoogleToken, readServiceAccount } from '../google-token.ts'
import { createOutputReader } from '../outputs.ts'
import type { GenerationTask, OutputSinks, Provider, UpstreamState } from '../provider.ts'
import { isRecord, redact, UpstreamError } from '../upstream-error.ts'
import { createUpstream } from '../upstream-fetch.ts'
import type { ProviderOptions } from './options.ts'

const START_TIMEOUT_MS = 30_000
/** The answer that says "done" holds the video: tens of MB. */
const POLL_TIMEOUT_MS = 120_000
/** Of a JSON that holds one video in base64, to its bytes; with room for what stands around it. */
const BASE64_SHARE = 1.5

/** How Vertex says in words what it has no code for (Vertex AI, "Responsible AI": support codes). */
const isRefusalText = (message: string): boolean =>
  /support codes?|usage guidelines|responsible ai|\bsafety\b|sensitive|prohibited/i.test(message)

const refusals: Refusals = {
  isBlocked: (code, message) =>
    (code === 'INVALID_ARGUMENT' || code === 'FAILED_PRECONDITION') && isRefusalText(message),
}

/** Errors of a task that was begun (google.rpc.Code) after which the same may go well. */
const passingCodes: readonly unknown[] = [
  // CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE
  ...[1, 2, 4, 8, 10, 13, 14],
]

const createBody = ({ prompt, aspectRatio, resolution, durationSeconds }: GenerationTask) => ({
  instances: [{ prompt }],
  parameters: {
    sampleCount: 1,
    aspectRatio,
    ...(resolution && { resolution: resolution.toLowerCase() }),
    ...(durationSeconds && { durationSeconds }),
    // Veo 3 wants to be told (Vertex AI, Veo API reference).
    generateAudio: true,
  },
})

function readDone(answer: Record<string, unknown>) {
  const response = isRecord(answer.response) ? answer.response : {}
  const videos = Array.isArray(response.videos) ? response.videos.filter(isRecord) : []
  const filtered = Number(response.raiMediaFilteredCount ?? 0)
  return { error: isRecord(answer.error) ? answer.error : null, video: videos[0], filtered }
}

/**
 * Videos by Veo on Vertex AI: `predictLongRunning`, then `fetchPredictOperation`. Videos that it would put into a
 * bucket
 * of Cloud Storage (`gcsUri`) are not fetched: it is never told of one, so they come in the answer.
 * @throws Error when the service account cannot be read
 */
export function createVeo(
  values: Readonly<Record<'VERTEX_SERVICE_ACCOUNT' | 'VERTEX_LOCATION' | 'VERTEX_BASE_URL', string>>,
  { pause, timeoutMs, maxOutputBytes }: ProviderOptions = {},
): Provider {
  const account = readServiceAccount(values.VERTEX_SERVICE_ACCOUNT)
  const location = values.VERTEX_LOCATION
  const host = location === 'global' ? 'aiplatform' : `${location}-aiplatform`
  const token = createGoogleToken(account, pause)
  const upstream = createUpstream({
    baseUrl: values.VERTEX_BASE_URL || `https://${host}.googleapis.com/v1`,
    secrets: token.secrets,
    authorize: token,
    ...(pause && { pause }),
  })
  const createPath = ({ upstreamId }: GenerationTask, method: string) =>
    `/projects/${encodeURIComponent(account.project_id)}/locations/${encodeURIComponent(location)}` +
    `/publishers/google/models/${encodeURIComponent(upstreamId)}:${method}`

  async function start(task: GenerationTask): Promise<UpstreamState> {
    const answer = await upstream.call({
      path: createPath(task, 'predictLongRunning'),
      body: createBody(task),
      isRepeatable: false,
      timeoutMs: timeoutMs ?? START_TIMEOUT_MS,
      maxBytes: 64 * 1024,
    })
    const { name } = isRecord(answer) ? answer : {}
    if (typeof name === 'string' && /\/operations\/[\w-]+$/.test(name)) {
      return { kind: 'running', operation: name, progress: null }
    }
    return { kind: 'unavailable', cause: 'veo: no operation in the answer', retryAfterMs: null, mayHaveBegun: true }
  }

  async function poll(operation: string, task: GenerationTask, sinks: OutputSinks): Promise<UpstreamState> {
    const reader = createOutputReader(task.kind, sinks, 'bytesBase64Encoded', maxOutputBytes)
    const answer = await upstream.call({
      path: createPath(task, 'fetchPredictOperation'),
      body: { operationName: operation },
      isRepeatable: true,
      timeoutMs: timeoutMs ?? POLL_TIMEOUT_MS,
      maxBytes: reader.maxBytes * BASE64_SHARE + 64 * 1024,
      openString: reader.openString,
    })
    if (!isRecord(answer)) return { kind: 'unavailable', cause: 'veo: the answer is no object', retryAfterMs: null }
    if (answer.done !== true) return { kind: 'running', operation, progress: null }
    const { error, video, filtered } = readDone(answer)
    if (error) {
      const message = redact(String(error.message), token.secrets())
      if (isRefusalText(message)) return block(task.kind)
      reportUpstream('veo', `operation: ${Number(error.code)}`, message.slice(0, 500))
      return fail('The upstream could not make this video.', passingCodes.includes(error.code))
    }
    const output = await reader.take(video?.bytesBase64Encoded)
    if (output) return finish(output)
    if (typeof video?.gcsUri === 'string') {
      reportUpstream('veo', 'gcsUri', 'the video was put into a bucket of Cloud Storage: this is not supported')
      return fail('The upstream gave an output that cannot be fetched.', false)
    }
    // Neither a video nor an error: it was made and withheld, whether it is counted or not.
    return block(task.kind, filtered > 0 ? 'raiMediaFiltered' : undefined)
  }

  const explain = (task: GenerationTask) => (error: unknown) => explainError('veo', task, refusals, error)
  return {
    name: 'veo',
    start: (task) => start(task).catch(explain(task)),
    poll: (operation, task, sinks) =>
      poll(operation, task, sinks).catch((error: unknown) => {
        const isForgotten = error instanceof UpstreamError && error.status === 404
        return isForgotten ? fail('The upstream no longer knows this task.', true) : explain(task)(error)
      }),
  }
}
