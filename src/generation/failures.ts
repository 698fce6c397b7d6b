import { type OutputProblem, SinkError } from './outputs.ts'
import type { GenerationTask, OutputSink, UpstreamState } from './provider.ts'
import { readErrorBody, UpstreamError, type UpstreamProblem } from './upstream-error.ts'

/** What an upstream calls its refusals. */
export interface Refusals {
  /**
   * Whether an error in its protocol says that the content is refused: `code` is its code, status or type, by turns.
   */
  isBlocked(code: string, message: string): boolean
  /** Whether an error that looks like the caller's is about our keys. */
  isOurs?(error: Record<string, unknown>): boolean
}

/** What an output in the answer of a good call turned out to be. */
const problems: Readonly<Record<OutputProblem, { message: string; retryable: boolean }>> = {
  wrong_type: { message: 'The upstream gave something else than was asked for.', retryable: true },
  not_base64: { message: 'The upstream gave an output that cannot be read.', retryable: true },
  empty: { message: 'The upstream gave an output without content.', retryable: true },
  too_large: { message: 'The upstream gave an output that is too large to keep.', retryable: false },
}

/** Problems that end a task, with what its caller is told: never what the operator has to mend. */
const endings: Readonly<Partial<Record<UpstreamProblem, { message: string; retryable: boolean; isOurs?: true }>>> = {
  too_large: problems.too_large,
  // Once the operator has mended it, the same works.
  unauthorized: { message: 'The upstream cannot be used at the moment.', retryable: true, isOurs: true },
  redirected: { message: 'The upstream cannot be used at the moment.', retryable: true, isOurs: true },
  forbidden_url: { message: 'The upstream gave an output that cannot be fetched.', retryable: true, isOurs: true },
  expired: { message: 'The output was gone before it could be fetched.', retryable: true },
}

/** A task that ended badly. */
export const fail = (message: string, retryable: boolean): UpstreamState => ({
  kind: 'failed',
  code: 'upstream_failed',
  message,
  retryable,
})

/** A task whose content the upstream refuses. @param reason its word for it; shown where it is a word and no more */
export const block = (kind: GenerationTask['kind'], reason?: string): UpstreamState => ({
  kind: 'failed',
  code: 'content_blocked',
  message:
    `The upstream refused to make this ${kind}${reason && /^[\w.]{1,64}$/.test(reason) ? ` (${reason})` : ''}. ` +
    'Another prompt may do.',
  retryable: false,
})

/** A task that has, or has not, the output that it should. */
export function finish(output: OutputSink | OutputProblem): UpstreamState {
  if (typeof output !== 'string') return { kind: 'completed', outputs: [output] }
  return fail(problems[output].message, problems[output].retryable)
}

/** Tells the operator. Nothing in it may be secret. */
export function reportUpstream(provider: string, problem: string, message: string): void {
  console.error(JSON.stringify({ level: 'error', event: 'upstream', provider, problem, message }))
}

/** Codes in an error of Google (`status`), OpenAI and ModelArk (`code`, `type`). */
const readCodes = (error: Record<string, unknown>): string[] =>
  [error.code, error.status, error.type].filter((code) => typeof code === 'string')

/**
 * What a task comes to when its upstream answered an error of its own protocol, by HTTP or in a good answer.
 * @param status HTTP's, where it came with one
 */
export function explainRefusal(
  provider: string,
  task: GenerationTask,
  refusals: Refusals,
  error: Record<string, unknown>,
  status: number | null,
): UpstreamState {
  const codes = readCodes(error)
  const message = typeof error.message === 'string' ? error.message : ''
  const blocking = codes.find((code) => refusals.isBlocked(code, message))
  if (blocking !== undefined) return block(task.kind, blocking)
  reportUpstream(provider, String(status ?? codes[0]), message.slice(0, 500))
  if (status === 401 || status === 403 || refusals.isOurs?.(error)) {
    return fail(endings.unauthorized!.message, endings.unauthorized!.retryable)
  }
  if (status === 404) return fail('The upstream no longer has this model.', false)
  const code = codes.find((word) => /^[\w.]{1,64}$/.test(word))
  return fail(`The upstream does not accept this request${code ? ` (${code})` : ''}.`, false)
}

/** What a task comes to when this was thrown. Never throws. */
export function explainError(
  provider: string,
  task: GenerationTask,
  refusals: Refusals,
  error: unknown,
  hasBegun = false,
): UpstreamState {
  const lost = { mayHaveBegun: true } as const
  if (!(error instanceof UpstreamError)) {
    const name = error instanceof Error ? error.name : 'unknown'
    const message = error instanceof SinkError && error.cause instanceof Error ? error.cause.message : ''
    reportUpstream(provider, name, message)
    return { kind: 'unavailable', cause: `${provider}: ${name}`, retryAfterMs: null, ...lost }
  }
  const ending = endings[error.problem]
  if (ending) {
    if (ending.isOurs) reportUpstream(provider, error.problem, error.message)
    return fail(ending.message, ending.retryable)
  }
  const isPassing = error.status === null || error.status >= 500 || [408, 409, 429].includes(error.status)
  // Where the body says nothing in its protocol, the log has at least the status.
  const body: Record<string, unknown> = { message: error.message, ...readErrorBody(error.body) }
  const isBlocked = readCodes(body).some((code) => refusals.isBlocked(code, String(body.message)))
  if (!isPassing || isBlocked) return explainRefusal(provider, task, refusals, body, error.status)
  return {
    kind: 'unavailable',
    cause: `${provider}: ${error.message}`,
    retryAfterMs: error.retryAfterMs,
    ...((error.mayHaveBegun || hasBegun) && lost),
  }
}
