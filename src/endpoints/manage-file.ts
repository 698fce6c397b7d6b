import { defineEndpoint, type EndpointContext } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { idPattern, readFacts } from '../hosting/hosted-file.ts'
import { purge } from '../hosting/purge.ts'
import { assertUp, createMissing } from '../hosting/serve.ts'

const path = '/api/files/:id'
const errors = ['not_found', 'invalid_token', 'unavailable_for_legal_reasons'] as const

/** The file that the bearer of its deleteToken asks about. @throws ApiError for anybody else */
async function findOwn(c: EndpointContext<typeof path>): Promise<R2Object> {
  const { files } = c.var.services
  const id = c.req.param('id')
  const object = idPattern.test(id) ? await files.head(id) : null
  if (!object) throw createMissing()
  const [, token = ''] = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
  if (!files.isOwner(object, token)) {
    const message = 'Send Authorization: Bearer and the deleteToken that came with the image.'
    throw new ApiError('invalid_token', { message, headers: { 'WWW-Authenticate': 'Bearer' } })
  }
  assertUp(readFacts(object))
  return object
}

export const readFile = defineEndpoint({
  method: 'GET',
  path,
  name: 'readFileFacts',
  summary: 'What is known of a hosted image',
  isUploaders: true,
  description: () => 'Wants `Authorization: Bearer` and the deleteToken that came with the image.',
  response: {
    description: 'Its size, type and expiry.',
    contentTypes: ['application/json'],
    schema: {
      type: 'object',
      required: ['id', 'contentType', 'sizeBytes', 'expiresAt'],
      properties: {
        id: { type: 'string' },
        contentType: { type: 'string' },
        sizeBytes: { type: 'integer' },
        expiresAt: { type: 'string', format: 'date-time' },
      },
    },
  },
  errors,
  async handle(c) {
    const object = await findOwn(c)
    return c.json({
      id: c.req.param('id'),
      contentType: object.httpMetadata?.contentType,
      sizeBytes: object.size,
      expiresAt: new Date(readFacts(object).expiresAt).toISOString(),
    })
  },
})

export const deleteFile = defineEndpoint({
  method: 'DELETE',
  path,
  name: 'deleteFile',
  summary: 'Delete a hosted image at once',
  isUploaders: true,
  description: () => 'Wants `Authorization: Bearer` and the deleteToken that came with the image.',
  response: {
    description: 'It is gone; so are all variants of it.',
    contentTypes: ['application/json'],
    schema: { type: 'object', required: ['id', 'deleted'], properties: { id: {}, deleted: { const: true } } },
  },
  errors,
  async handle(c) {
    await findOwn(c)
    const id = c.req.param('id')
    // To its end, whether the client waits or not, and whatever fails: nobody could come back for the rest.
    const gone = c.var.services.files.delete(id).finally(() => purge(c.executionCtx, id))
    c.executionCtx.waitUntil(gone.catch(() => {}))
    await gone
    return c.json({ id, deleted: true })
  },
})
