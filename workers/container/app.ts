import { timingSafeEqual } from 'node:crypto'
import { type Context, Hono } from 'hono'
import { maxFileBytes } from '../../src/images/check-image.ts'
import { cutPath, factsHeader, healthPath, readFormat, readOptions, writeFailure } from '../../src/matte/wire.ts'
import { Body } from './body.ts'
import { type CutTools, cutOut } from './cut.ts'

export interface AppOptions {
  readonly tools: CutTools
  /** What requests must carry as a bearer token; null: whoever reaches this may ask. */
  readonly token: string | null
  /** Milliseconds after which a request is given up: whoever sends or reads slower holds room for nobody. */
  readonly limitMs: number
  /** Ids of the models that are loaded. */
  readModels(): readonly string[]
  /** Aborted when the process is about to end: nobody is let in any more. */
  readonly closing: AbortSignal
}

const isSame = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** Reads a request that the gateway would send; a sentence for any other. */
function readRequest(c: Context, signal: AbortSignal) {
  const format = readFormat(c.req.header('content-type') ?? null)
  if (!format) return 'Content-Type must be image/png, image/jpeg or image/webp'
  const bytes = Number(c.req.header('content-length') ?? Number.NaN)
  if (!(bytes >= 1 && bytes <= maxFileBytes) || !c.req.raw.body) return `Content-Length must be 1 to ${maxFileBytes}`
  const options = readOptions(new URL(c.req.url).searchParams)
  if ('wrong' in options) return `the option "${options.wrong}" is missing, unknown or not valid`
  return { format, options, body: new Body(c.req.raw.body, bytes, signal) }
}

/** The Container's server: `src/matte/wire.ts` over HTTP. */
export function createApp({ tools, token, limitMs, readModels, closing }: AppOptions): Hono {
  const app = new Hono()
  app.get(healthPath, (c) => c.json({ status: 'ok', models: readModels(), memory: tools.budget.state }))

  app.use(cutPath, async (c, next) => {
    const [, given = ''] = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
    if (token !== null && !isSame(given, token)) return c.text('a bearer token is needed\n', 401)
    if (closing.aborted) return writeFailure({ ok: false, code: 'processor_unavailable', retryAfter: 5 })
    return next()
  })

  app.post(cutPath, async (c) => {
    const signal = AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(limitMs)])
    const asked = readRequest(c, signal)
    if (typeof asked === 'string') return c.text(`${asked}\n`, 400)
    const { format, options, body } = asked
    const started = performance.now()
    const result = await cutOut(body, format, options, tools, signal)
    const code = result.ok ? 'ok' : result.code
    console.log(
      JSON.stringify({ event: 'cut', format, bytes: body.bytes, code, ms: Math.round(performance.now() - started) }),
    )
    if (!result.ok) {
      await body.drain()
      return writeFailure(result)
    }
    const headers = { 'Content-Type': result.contentType, [factsHeader]: JSON.stringify(result.facts) }
    return new Response(result.body, { headers })
  })

  app.notFound((c) => c.text('there is nothing at this path\n', 404))
  return app
}
