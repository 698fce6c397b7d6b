import * as z from 'zod'
import { defineEndpoint, type EndpointContext, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { readJsonBody } from '../generation/accept.ts'
import { type GenerationClient, type Granted, generationIdPattern } from '../generation/generation.ts'
import type { GenerationView } from '../generation/generation-row.ts'
import { requestSchemas } from '../generation/request.ts'
import { generationSchema } from '../generation/schemas.ts'

const PATH = '/v1/generations/:id'
const MOST_SECONDS = 60

const createUnknown = () => new ApiError('not_found', { message: 'Generation not found.' })

/** @throws ApiError `not_found` for what is no id */
function openJob(c: EndpointContext<'/v1/generations/:id'>): GenerationClient {
  const id = c.req.param('id')
  if (!generationIdPattern.test(id)) throw createUnknown()
  return c.var.services.generation.open(id)
}

/** The view, where the wish was granted. @throws ApiError */
function assertGranted(granted: Granted, refused: 'not_cancelable' | 'not_retryable'): GenerationView {
  if (granted.kind === 'unknown') throw createUnknown()
  if (granted.kind === 'refused') throw new ApiError(refused)
  return granted.view
}

const response = {
  description: 'The job as it stands.',
  contentTypes: ['application/json'],
  schema: generationSchema,
} as const

const query = z.object({
  wait: z
    .string()
    .regex(/^\d{1,2}$/, `wait must be seconds, from 0 to ${MOST_SECONDS}`)
    .refine((text) => Number(text) <= MOST_SECONDS, `wait must be seconds, from 0 to ${MOST_SECONDS}`)
    .default('0')
    .describe('Answers when the status changes, or after so many seconds.'),
})

export const readGeneration = defineEndpoint({
  method: 'GET',
  path: PATH,
  name: 'readGeneration',
  summary: 'How a generation stands',
  description: () => 'Needs no wallet: whoever knows the id may ask. `progress` never falls.',
  query,
  response,
  errors: ['invalid_request', 'not_found'],
  async handle(c) {
    const { wait } = readQuery(c, query)
    const reading = await openJob(c).read(Number(wait) * 1000)
    if (!reading) throw createUnknown()
    const answer = c.json(reading.view)
    for (const [name, value] of reading.receipt ?? []) answer.headers.set(name, value)
    return answer
  },
})

export const cancelGeneration = defineEndpoint({
  method: 'DELETE',
  path: PATH,
  name: 'cancelGeneration',
  summary: 'Cancel a generation, before its upstream has taken it',
  description: () => 'What was paid for it is owed: retry it, within 24 hours.',
  response,
  errors: ['not_found', 'not_cancelable'],
  handle: async (c) => c.json(assertGranted(await openJob(c).cancel(), 'not_cancelable')),
})

const retryBody = z.strictObject({ prompt: requestSchemas.image.shape.prompt.optional() })

export const retryGeneration = defineEndpoint({
  method: 'POST',
  path: '/v1/generations/:id/retry',
  name: 'retryGeneration',
  summary: 'Run a failed or cancelled generation again',
  description: () =>
    'Twice at most, within 24 hours. After `content_blocked` with another prompt, and then once. Needs no body, or JSON ' +
    'with the new `prompt`. What was not charged (`"payment": "not_charged"`) is not run again: send it anew.',
  response,
  errors: ['invalid_request', 'not_found', 'not_retryable', 'request_too_large', 'unsupported_media_type'],
  async handle(c) {
    const { body } = c.var
    const isEmpty = body.declaredBytes === 0 || (await body.readHead()).bytes.byteLength === 0
    const json = isEmpty ? {} : await readJsonBody(body, c.req.header('content-type') ?? null)
    const parsed = retryBody.safeParse(json)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      const message = `The body may hold "prompt" alone: ${issue?.path.join('.') || 'it'} ${issue?.message}.`
      throw new ApiError('invalid_request', { message })
    }
    return c.json(assertGranted(await openJob(c).retry(parsed.data.prompt ?? null), 'not_retryable'))
  },
})
