import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import type { Hono } from 'hono'
import { z } from 'zod'
import type { ServiceAccount } from '../../../src/generation/google-token.ts'
import { writeGoogleError } from './google-error.ts'
import type { Stage, UpstreamFault } from './simulator.ts'

const PROJECT = 'pixtoll-simulated'
const EMAIL = `pixtoll@${PROJECT}.iam.gserviceaccount.com`
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

/** Models, and the resolutions that each makes (Vertex AI, Veo API reference). */
const models: Readonly<Record<string, readonly string[]>> = {
  'veo-3.1-fast-generate-001': ['720p', '1080p', '4k'],
  'veo-3.1-lite-generate-001': ['720p', '1080p'],
}

const startSchema = z.strictObject({
  instances: z.array(z.strictObject({ prompt: z.string().min(1) })).length(1),
  parameters: z.strictObject({
    sampleCount: z.int().min(1).max(4),
    durationSeconds: z.union([z.literal(4), z.literal(6), z.literal(8)]).optional(),
    aspectRatio: z.enum(['16:9', '9:16']).optional(),
    resolution: z.string().optional(),
    seed: z.int().min(0).max(4_294_967_295).optional(),
    negativePrompt: z.string().optional(),
    personGeneration: z.enum(['allow_all', 'allow_adult', 'dont_allow']).optional(),
    generateAudio: z.boolean(),
  }),
})
const pollSchema = z.strictObject({ operationName: z.string() })

const invalid = (message: string) => writeGoogleError(400, 'INVALID_ARGUMENT', message)
const refuseGrant = (description: string) =>
  Response.json({ error: 'invalid_grant', error_description: description }, { status: 400 })

/** A service account of its own, made anew: nobody else has its key. `tokenUri` is where its tokens come from. */
export function createServiceAccount(tokenUri: string): { account: ServiceAccount; publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const ids = { project_id: PROJECT, client_email: EMAIL, private_key_id: 'simulated-key-1' }
  return { account: { ...ids, private_key: privateKey, token_uri: tokenUri }, publicKey }
}

/** What is wrong with an assertion (RFC 7523), or undefined. */
function findFlaw(assertion: string, publicKey: string, audience: string): string | undefined {
  const [head = '', claims = '', signature = ''] = assertion.split('.')
  try {
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>
    const { iss, scope, aud, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
      [name: string]: unknown
    }
    const signed = Buffer.from(`${head}.${claims}`)
    const isSigned = verify('RSA-SHA256', signed, createPublicKey(publicKey), Buffer.from(signature, 'base64url'))
    if (header.alg !== 'RS256' || !isSigned) return 'Invalid JWT Signature.'
    if (iss !== EMAIL) return 'Invalid grant: account not found'
    if (aud !== audience || scope !== SCOPE) return 'Invalid JWT: wrong aud or scope'
    const seconds = Math.floor(Date.now() / 1000)
    const [issued, expires] = [Number(iat), Number(exp)]
    const isTimely = Math.abs(issued - seconds) < 300 && expires > seconds && expires - issued <= 3600
    return isTimely
      ? undefined
      : 'Invalid JWT: Token must be a short-lived token (60 minutes) in a reasonable timeframe'
  } catch {
    return 'Invalid JWT'
  }
}

const rai = (code: string) =>
  `The prompt could not be submitted. It violates Vertex AI's usage guidelines. Support codes: ${code}`

async function createDone(stage: Stage, name: string, fault?: UpstreamFault): Promise<Response> {
  if (fault?.mode === 'blocked' && fault.reason === 'error') {
    return Response.json({ name, done: true, error: { code: 3, message: rai('29310472') } })
  }
  const filtered = { raiMediaFilteredCount: 1, raiMediaFilteredReasons: [rai('58061214')] }
  if (fault?.mode === 'blocked') return Response.json({ name, done: true, response: filtered })
  if (fault?.mode === 'no_image') return Response.json({ name, done: true, response: { raiMediaFilteredCount: 0 } })
  const bytes = Buffer.from(await stage.createOutput('video', [64, 36], fault))
  const videos = [{ bytesBase64Encoded: bytes.toString('base64'), mimeType: 'video/mp4' }]
  return Response.json({ name, done: true, response: { raiMediaFilteredCount: 0, videos } })
}

/** Path of the model in its project and place; model; method. */
const address = new RegExp(
  `^/vertex/v1/(projects/${PROJECT}/locations/([a-z\\d-]+)/publishers/google/models/([^/:]+)):(\\w+)$`,
)

/** Serves Vertex AI below `/vertex/v1` and Google's token endpoint at `/oauth/token`. A video takes two polls. */
export function serveVeo(app: Hono, stage: Stage, publicKey: string): void {
  const tokens = new Map<string, number>()
  /** How often each was asked about. */
  const polls = new Map<string, number>()

  app.post('/oauth/token', (c) =>
    stage.perform('token', c.req.raw, writeGoogleError, (body) => {
      const form = new URLSearchParams(String(body))
      if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
        return Response.json({ error: 'unsupported_grant_type' }, { status: 400 })
      }
      const audience = `${new URL(c.req.url).origin}/oauth/token`
      const flaw = findFlaw(form.get('assertion') ?? '', publicKey, audience)
      if (flaw) return refuseGrant(flaw)
      // As long as those of service accounts are.
      const token = `ya29.c.${crypto.randomUUID()}${'x'.repeat(1100)}`
      tokens.set(token, Date.now() + 3_600_000)
      return Response.json({ access_token: token, expires_in: 3599, token_type: 'Bearer' })
    }),
  )

  const refuseToken = (header: string | undefined): Response | undefined => {
    const [, token = ''] = /^Bearer (.+)$/.exec(header ?? '') ?? []
    if ((tokens.get(token) ?? 0) > Date.now()) return undefined
    return writeGoogleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')
  }

  function start(model: string, path: string, body: unknown, fault?: UpstreamFault): Response {
    const request = startSchema.safeParse(body)
    if (!request.success) return invalid(`Invalid JSON payload received. ${z.prettifyError(request.error)}`)
    const { resolution = '720p' } = request.data.parameters
    if (!models[model]?.includes(resolution)) return invalid(`${model} does not support resolution ${resolution}`)
    if (fault?.mode === 'blocked') return invalid(rai('29310472'))
    const name = `${path}/operations/${crypto.randomUUID()}`
    polls.set(name, 0)
    return Response.json({ name })
  }

  function poll(path: string, body: unknown, fault?: UpstreamFault): Response | Promise<Response> {
    const request = pollSchema.safeParse(body)
    if (!request.success) return invalid(z.prettifyError(request.error))
    const name = request.data.operationName
    const count = polls.get(name)
    if (count === undefined || !name.startsWith(`${path}/`)) {
      return writeGoogleError(404, 'NOT_FOUND', 'The operation was not found.')
    }
    polls.set(name, count + 1)
    return count === 0 ? Response.json({ name }) : createDone(stage, name, fault)
  }

  app.all('/vertex/*', (c) => {
    const [, path = '', location, model = '', method] = address.exec(c.req.path) ?? []
    const op = method === 'fetchPredictOperation' ? 'veo.poll' : 'veo.start'
    return stage.perform(op, c.req.raw, writeGoogleError, (body, fault) => {
      if (location !== 'us-central1' || !['predictLongRunning', 'fetchPredictOperation'].includes(method ?? '')) {
        return writeGoogleError(404, 'NOT_FOUND', 'Not Found')
      }
      const refusal = refuseToken(c.req.header('authorization'))
      if (refusal) return refusal
      if (!models[model]) return writeGoogleError(404, 'NOT_FOUND', `Publisher Model \`${model}\` was not found.`)
      if (c.req.method !== 'POST') return writeGoogleError(404, 'NOT_FOUND', 'Not Found')
      return op === 'veo.poll' ? poll(path, body, fault) : start(model, path, body, fault)
    })
  })
}
