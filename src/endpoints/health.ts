import * as z from 'zod'
import { now } from '../clock.ts'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import type { Services } from '../env.ts'
import { type Trial, tryMatte } from '../matte/trial.ts'

/** One look at the dependencies serves whoever asks within this time: `/health` is free, and must not load them. */
const FRESH_MS = 5_000
const TIMEOUT_MS = 4_000

type State = 'ok' | 'failing' | 'not_configured'

interface Health {
  readonly status: 'ok' | 'degraded'
  readonly time: string
  readonly dependencies: Readonly<Record<string, State>>
  /** Most pixels of a picture, by the format of the answer. */
  readonly pixels: Readonly<Record<'png' | 'webp', number>>
  /** A tiny cut-out, where the operator asked for one. */
  readonly trial?: Trial
}

const query = z.object({
  deep: z
    .enum(['1'], { error: 'It takes 1' })
    .optional()
    .describe('1 looks anew and cuts out a tiny picture: for the operator alone, with the ADMIN_TOKEN'),
})

const lastLook = new WeakMap<Services, { health: Health; at: number }>()

async function isAnswering(check: () => Promise<void>): Promise<boolean> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error('timeout')), TIMEOUT_MS)
  try {
    await Promise.race([check(), timeout.promise])
    return true
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}

async function look(services: Services): Promise<Health> {
  const states = await Promise.all(
    services.dependencies.map(
      async ({ name, check }) => [name, (await isAnswering(check)) ? 'ok' : 'failing'] as const,
    ),
  )
  const dependencies: Record<string, State> = Object.fromEntries(states)
  if (services.till.protocols.length === 0) dependencies.payments = 'not_configured'
  const isSound = Object.values(dependencies).every((state) => state === 'ok')
  const { matte } = services
  return {
    status: isSound ? 'ok' : 'degraded',
    time: new Date(now()).toISOString(),
    dependencies,
    pixels: { png: matte.pixelLimit('png'), webp: matte.pixelLimit('webp') },
  }
}

async function lookDeeply(services: Services): Promise<Health> {
  const trial = await tryMatte(services.matte)
  const health = await look(services)
  return { ...health, status: trial.result === 'ok' ? health.status : 'degraded', trial }
}

export const health = defineEndpoint({
  method: 'GET',
  path: '/health',
  name: 'health',
  summary: 'Tell the state of the service and of what it depends on',
  query,
  isOperators: { withQuery: 'deep' },
  response: {
    description: 'The state: ok, or degraded when a dependency does not answer.',
    contentTypes: ['application/json'],
    schema: {
      type: 'object',
      required: ['status', 'time', 'dependencies', 'pixels'],
      properties: {
        status: { enum: ['ok', 'degraded'] },
        time: { type: 'string', format: 'date-time' },
        dependencies: { type: 'object', additionalProperties: { enum: ['ok', 'failing', 'not_configured'] } },
        pixels: {
          type: 'object',
          description: 'Most pixels of a picture whose background is removed, by the format of the answer.',
          properties: { png: { type: 'integer' }, webp: { type: 'integer' } },
        },
        trial: {
          type: 'object',
          description: 'With `deep=1`: how a tiny cut-out went, and bytes of wasm memory at the edge afterwards.',
          required: ['result', 'milliseconds', 'wasmMemory'],
          properties: {
            result: { type: 'string', description: '`ok`, or the error that a caller would have got.' },
            model: { type: 'string' },
            milliseconds: { type: 'integer' },
            wasmMemory: {
              type: ['object', 'null'],
              properties: { codecs: { type: 'integer' }, model: { type: 'integer' } },
            },
          },
        },
      },
    },
  },
  errors: ['invalid_token'],
  async handle(c) {
    const { services } = c.var
    if (readQuery(c, query, 'ignore').deep) return c.json(await lookDeeply(services))
    const last = lastLook.get(services)
    if (last && now() - last.at < FRESH_MS) return c.json(last.health)
    const health = await look(services)
    lastLook.set(services, { health, at: now() })
    return c.json(health)
  },
})
