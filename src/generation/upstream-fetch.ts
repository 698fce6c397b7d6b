import { parseWithLongStrings, type StringSink } from '../json-strings.ts'
import { checkOutputUrl } from './output-url.ts'
import { isTimeOut, readErrorAnswer, readPieces } from './response-body.ts'
import { readRetryAfter, redact, redactJson, UpstreamError } from './upstream-error.ts'

/** How calls are given the operator's credentials. */
export interface Authorization {
  /** The headers that carry them. */
  headers(): Promise<Readonly<Record<string, string>>> | Readonly<Record<string, string>>
  /** Forgets what the upstream answered 401 to, so that `headers` fetches anew. Absent: there is nothing to renew. */
  renew?(): void
}

export interface UpstreamOptions {
  /** With its path, such as `https://host/v1`. Credentials go to its origin and nowhere else. */
  readonly baseUrl: string
  /** Never to be read in a message. A function: tokens come and go. */
  readonly secrets: () => readonly string[]
  readonly authorize: Authorization
  /** Waits so many milliseconds; `setTimeout` unless given. */
  readonly pause?: (ms: number) => Promise<void>
}

/** One call to an upstream that answers JSON. */
export interface UpstreamCall {
  /** What follows the base URL, with its slash; empty for the base URL itself. */
  readonly path: string
  /** Sent as JSON; without it and `form` the call is a GET. */
  readonly body?: unknown
  /** Sent as a form instead. */
  readonly form?: Readonly<Record<string, string>>
  /**
   * Repeating it begins nothing twice, so it is sent again whatever came between. Other calls are sent again only where
   * the upstream surely did not begin: it answered 429 or the connection was refused. After a 5xx nobody knows.
   */
  readonly isRepeatable: boolean
  /** For all of one attempt, its answer read. */
  readonly timeoutMs: number
  /** Of the answer. */
  readonly maxBytes: number
  /** Takes the answer's long strings; without it they are thrown away. `name` is the member that has it. */
  readonly openString?: (name: string | null) => StringSink
}

export interface Upstream {
  /** @throws UpstreamError; whatever a string's sink throws */
  call(call: UpstreamCall): Promise<unknown>
  /** Fetches an output that an answer named, without credentials. @throws UpstreamError, at every piece too */
  openOutput(url: string, limits: { maxBytes: number; timeoutMs: number }): AsyncIterable<Uint8Array>
}

/** RFC 9110: these may pass. 409 is ModelArk's and Google's word for "just now it cannot be". */
const isPassing = (status: number | null): boolean =>
  status !== null && (status === 408 || status === 409 || status === 429 || status >= 500)
const ATTEMPTS = 3
const FIRST_PAUSE_MS = 500
/** An upstream that wants more is told of instead: whoever asked has an alarm clock, and we hold a connection. */
const LONGEST_PAUSE_MS = 5_000
const MAX_REDIRECTS = 3
/** What an answer may have besides its long strings. */
const MAX_JSON_BYTES = 256 * 1024

/** Node's words for "nobody took the connection". workerd says only that it was lost, which proves nothing. */
const refusals: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']

const throwAway: StringSink = { write: () => undefined, end: () => '' }

/** Milliseconds until the next attempt, or null for none. */
function planRetry(error: UpstreamError, isRepeatable: boolean, attempt: number): number | null {
  const isSafe = isRepeatable || error.status === 429 || !error.mayHaveBegun
  const isWorthIt = error.problem === 'unreachable' || isPassing(error.status)
  if (attempt >= ATTEMPTS || !isSafe || !isWorthIt) return null
  // Between half and all of it, so that those who failed together do not come back together.
  const [random = 0] = crypto.getRandomValues(new Uint16Array(1))
  const ms = Math.max(error.retryAfterMs ?? 0, FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + random / 131_072))
  return ms > LONGEST_PAUSE_MS ? null : ms
}

/**
 * The one way to an upstream: time-outs, sizes, retries, redirects (none with credentials), where credentials go, and
 * what may be said of a failure.
 */
export function createUpstream({ baseUrl, secrets, authorize, pause }: UpstreamOptions): Upstream {
  const base = new URL(baseUrl)
  const prefix = baseUrl.replace(/\/+$/, '')
  const wait = pause ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)))

  async function send(url: URL, init: RequestInit, timeoutMs: number): Promise<Response> {
    try {
      return await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    } catch (error) {
      if (isTimeOut(error)) throw new UpstreamError('timed_out', 'no answer in time', { mayHaveBegun: true })
      // Neither its text nor its cause goes on: they may quote the URL.
      const code = error instanceof Error && error.cause instanceof Error && 'code' in error.cause && error.cause.code
      throw new UpstreamError('unreachable', `no connection${typeof code === 'string' ? ` (${code})` : ''}`, {
        mayHaveBegun: !refusals.includes(code),
      })
    }
  }

  async function refuseStatus(response: Response): Promise<never> {
    const body = redactJson(await readErrorAnswer(response), secrets())
    const { status } = response
    if (status < 400) throw new UpstreamError('redirected', `HTTP ${status}, a redirect`, { status })
    throw new UpstreamError('status', `HTTP ${status}: ${redact(JSON.stringify(body), secrets()).slice(0, 500)}`, {
      status,
      body,
      retryAfterMs: readRetryAfter(response.headers, body),
      mayHaveBegun: status !== 429 && isPassing(status),
    })
  }

  async function attempt({ path, body, form, timeoutMs, maxBytes, openString }: UpstreamCall): Promise<unknown> {
    const url = new URL(prefix + path)
    // A path that leads away is a mistake of ours; it must not become a leak.
    if (url.origin !== base.origin) throw new UpstreamError('forbidden_url', 'the path leads to another origin')
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
    const content = form ? new URLSearchParams(form).toString() : body === undefined ? undefined : JSON.stringify(body)
    const headers = { accept: 'application/json', ...(content !== undefined && { 'content-type': type }) }
    const init = {
      method: content === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(await authorize.headers()) },
      ...(content !== undefined && { body: content }),
    }
    const response = await send(url, init, timeoutMs)
    if (!response.ok) return refuseStatus(response)
    try {
      return await parseWithLongStrings(readPieces(response, maxBytes), openString ?? (() => throwAway), MAX_JSON_BYTES)
    } catch (error) {
      // A TypeError is TextDecoder's, for bytes that are no UTF-8.
      if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error
      throw new UpstreamError('malformed', 'the answer is not JSON, or not all of it', { mayHaveBegun: true })
    }
  }

  /** Runs it until it works, or will not. */
  async function persist<Result>(run: () => Promise<Result>, isRepeatable: boolean): Promise<Result> {
    let hasRenewed = false
    for (let count = 1; ; ) {
      try {
        return await run()
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        if (error.status === 401 && authorize.renew && !hasRenewed) {
          hasRenewed = true
          authorize.renew()
          continue
        }
        const ms = planRetry(error, isRepeatable, count)
        if (ms === null) throw error
        count += 1
        await wait(ms)
      }
    }
  }

  async function follow(text: string, timeoutMs: number): Promise<Response> {
    let url = checkOutputUrl(text, base)
    for (let hops = 0; ; hops += 1) {
      const response = await send(url, {}, timeoutMs)
      if (response.ok) return response
      const { status } = response
      const location = response.headers.get('location')
      const isRedirect = [301, 302, 303, 307, 308].includes(status) && location !== null
      if (!isRedirect || hops >= MAX_REDIRECTS) {
        // How storage says that a signed URL is over: S3 and TOS 403, GCS 400 or 403, all 404 once it is deleted.
        const isOver = status === 403 || status === 404 || status === 410
        if (!isOver) return refuseStatus(response)
        await response.body?.cancel()
        throw new UpstreamError('expired', `the output is gone (HTTP ${status})`, { status })
      }
      await response.body?.cancel()
      url = checkOutputUrl(URL.canParse(location, url.href) ? new URL(location, url).href : location, base)
    }
  }

  return {
    call: (call) => persist(() => attempt(call), call.isRepeatable),
    async *openOutput(url, { maxBytes, timeoutMs }) {
      yield* readPieces(await persist(() => follow(url, timeoutMs), true), maxBytes)
    },
  }
}
