import { now } from '../clock.ts'

/** What came between us and an upstream's good answer. */
export type UpstreamProblem =
  /** An answer with an HTTP status that is none of 2xx. */
  | 'status'
  | 'timed_out'
  /** No answer began. */
  | 'unreachable'
  /** An answer began and did not end. */
  | 'lost'
  /** An answer that is not in the upstream's protocol. */
  | 'malformed'
  | 'redirected'
  | 'too_large'
  /** The upstream does not take the operator's keys, or they give no token. */
  | 'unauthorized'
  /** Whoever gives the tokens for its keys cannot be asked. */
  | 'no_token'
  /** An output lies where nothing is fetched from. */
  | 'forbidden_url'
  /** An output is no longer there. */
  | 'expired'

export interface UpstreamErrorFacts {
  readonly status?: number
  readonly retryAfterMs?: number | null
  /** The upstream may have begun to work, and may bill it. */
  readonly mayHaveBegun?: boolean
  /** Of an answer with a bad status: what it says, as JSON or as text. */
  readonly body?: unknown
}

/** An upstream could not be asked, or did not answer well. Its text is for the log, and free of secrets and of URLs. */
export class UpstreamError extends Error {
  override name = 'UpstreamError'
  readonly problem: UpstreamProblem
  readonly status: number | null
  readonly retryAfterMs: number | null
  readonly mayHaveBegun: boolean
  readonly body: unknown

  constructor(problem: UpstreamProblem, message: string, facts: UpstreamErrorFacts = {}) {
    super(message)
    this.problem = problem
    this.status = facts.status ?? null
    this.retryAfterMs = facts.retryAfterMs ?? null
    this.mayHaveBegun = facts.mayHaveBegun ?? false
    this.body = facts.body
  }
}

/** What credentials look like, whoever they belong to: keys of Google and OpenAI, OAuth tokens, PEM, signed URLs. */
const credentials = new RegExp(
  [
    '-----BEGIN[\\s\\S]*?(?:-----END[^-]*-----|$)',
    '\\bAIza[\\w-]{10,}',
    '\\bya29\\.[\\w.-]+',
    '\\bsk-[\\w*-]{8,}',
    '\\bBearer\\s+[\\w.~+/=-]+',
    '\\beyJ[\\w-]+\\.[\\w-]+\\.[\\w-]*',
  ].join('|'),
  'gi',
)
const urls = /\bhttps?:\/\/[^\s"'<>\\]+/gi

/**
 * A text without secrets: neither these, as they are or as URLs and JSON write them, nor anything that looks like one,
 * nor any URL, which may be signed.
 */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text
  for (const secret of secrets) {
    if (!secret) continue
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      clean = clean.replaceAll(form, '[secret]')
    }
  }
  return clean.replace(credentials, '[secret]').replace(urls, '[url]')
}

/** Whether a value of JSON is an object. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The same for every text that a value of JSON holds, names too. */
export function redactJson(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return redact(value, secrets)
  if (Array.isArray(value)) return value.map((item) => redactJson(item, secrets))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [redact(name, secrets), redactJson(item, secrets)]),
  )
}

/** The error that an upstream's JSON tells of: Google, OpenAI and ModelArk all call it `error`. */
export function readErrorBody(body: unknown): Record<string, unknown> {
  return isRecord(body) && isRecord(body.error) ? body.error : {}
}

/** Nobody is believed who asks for more. */
const MOST_WAIT_MS = 3_600_000

/**
 * When an upstream wants to be asked again, in milliseconds from now: `Retry-After`, seconds or a date (RFC 9110,
 * 10.2.3), else Google's `RetryInfo` (google/rpc/error_details.proto). Null where it says nothing.
 */
export function readRetryAfter(headers: Headers, body: unknown): number | null {
  const header = headers.get('retry-after')?.trim()
  const limit = (ms: number) => (Number.isFinite(ms) ? Math.min(Math.max(Math.ceil(ms), 0), MOST_WAIT_MS) : null)
  if (header) return limit(/^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now())
  const { details } = readErrorBody(body)
  if (!Array.isArray(details)) return null
  const info = details.find((detail) => isRecord(detail) && String(detail['@type']).endsWith('google.rpc.RetryInfo'))
  const [, seconds] = /^(\d+(?:\.\d+)?)s$/.exec(String(info?.retryDelay)) ?? []
  return seconds === undefined ? null : limit(Number(seconds) * 1000)
}
