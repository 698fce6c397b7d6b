import { type Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import { now } from './clock.ts'
import { createDocs } from './docs/index.ts'
import { mountEndpoints } from './endpoint.ts'
import { endpoints } from './endpoints/index.ts'
import type { AppEnv, Services } from './env.ts'
import { ApiError } from './errors.ts'
import { findHost, splitUrl } from './host.ts'
import { credentialHeaders } from './payments/protocols/index.ts'
import { answerThenDrain, openRequestBody } from './request-body.ts'

/** What browsers may read of an answer. Contract, "Payment", CORS. */
const exposed = [
  ...['payment-required', 'payment-response', 'x-payment-response', 'www-authenticate', 'payment-receipt'],
  ...['location', 'retry-after', 'idempotent-replayed', 'etag', 'content-range'],
  ...['x-image-width', 'x-image-height', 'x-foreground-bbox', 'x-foreground-coverage', 'x-model', 'x-request-id'],
]
const EXPOSED = exposed.join(',')

/** What browsers may send, so that they can pay. */
const preflight = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  allowHeaders: [
    ...['content-type', 'authorization', 'payment-signature', 'x-payment', 'x-upload-token', 'idempotency-key'],
    ...['accept-payment', 'access-control-expose-headers', 'range', 'if-none-match'],
  ],
  maxAge: 86_400,
})

const VARY = credentialHeaders.join(', ')

function answerError(error: Error, c: Context<AppEnv>): Response {
  const isBug = !(error instanceof ApiError)
  const known = isBug ? new ApiError('internal_error', { cause: error }) : error
  c.var.log.error = known.code
  if (isBug) c.var.log.stack = error.stack ?? String(error)
  else if (known.cause !== undefined) c.var.log.cause = String(known.cause)
  return known.toResponse(c.var.requestId)
}

/**
 * The whole gateway: middleware in order, then the endpoint table.
 * @param openServices gives the parts for an environment; called for every request, so it should remember them
 */
export function createApp(openServices: (env: Env) => Services): Hono<AppEnv> {
  const app = new Hono<AppEnv>({
    // Files alone are served on their host: its paths are those of one folder here.
    getPath(request, { env } = {}) {
      const { host, path } = splitUrl(request.url)
      return findHost(openServices(env!).config, host).role === 'images' ? `/i${path}` : path
    },
  })

  app.use(async (c, next) => {
    const started = now()
    c.set('requestId', crypto.randomUUID())
    c.set('log', {})
    c.set('services', openServices(c.env))
    c.set('body', openRequestBody(c.req.raw))
    c.set('host', findHost(c.var.services.config, splitUrl(c.req.url).host))
    await next()
    if (c.var.body.isPending()) c.res = await answerThenDrain(c.res, c.var.body)
    const { headers } = c.res
    headers.set('Access-Control-Allow-Origin', '*')
    headers.set('Access-Control-Expose-Headers', EXPOSED)
    const caching = headers.get('Cache-Control')
    if (caching === null) headers.set('Cache-Control', 'no-store')
    // What anybody may keep is the same for everybody, and a cache's answer is nobody's request.
    if (!caching?.startsWith('public')) {
      headers.append('Vary', VARY)
      headers.set('X-Request-Id', c.var.requestId)
    }
    const { status } = c.res
    console.log(
      JSON.stringify({
        level: status >= 500 ? 'error' : 'info',
        request_id: c.var.requestId,
        method: c.req.method,
        path: c.req.path,
        status,
        ms: now() - started,
        ...c.var.log,
      }),
    )
  })
  app.options('*', preflight)
  mountEndpoints(app, [...endpoints, ...createDocs(endpoints)])
  app.notFound((c) => answerError(new ApiError('not_found'), c))
  app.onError(answerError)
  return app
}
