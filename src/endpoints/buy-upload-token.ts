import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { hostedFile } from '../hosting/schemas.ts'
import { createRight, readRight, UPLOAD_ROUTE } from '../hosting/upload-right.ts'

const query = z.object({})
/** SHA-256 of nothing: this call has no body. */
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

export const buyUploadToken = defineEndpoint({
  method: 'POST',
  path: '/api/upload/token',
  name: 'buyUploadToken',
  summary: 'Buy a token for one upload',
  description: () =>
    'Needs no body. The token is good for one image within 10 minutes, at `POST /api/upload` in the header ' +
    '`X-Upload-Token`; one that died unspent is replaced when the same payment asks again within 24 hours. Once it is ' +
    'spent, the same payment answers with the image.',
  query,
  response: {
    description: 'The token; or, once it is spent, the image that it was spent on.',
    contentTypes: ['application/json'],
    schema: {
      oneOf: [
        {
          type: 'object',
          required: ['token', 'expiresAt'],
          properties: {
            token: { type: 'string', pattern: '^[0-9a-f]{40}$', description: 'A secret: whoever has it may use it.' },
            expiresAt: { type: 'string', format: 'date-time' },
          },
        },
        hostedFile.schema,
      ],
    },
  },
  errors: ['upload_failed', 'unavailable_for_legal_reasons'],
  sale: {
    soldAs: () => UPLOAD_ROUTE,
    isShared: true,
    isBodiless: true,
    mimeType: 'application/json',
    price: ({ config }) => config.prices.upload,
    async prepare(c) {
      readQuery(c, query)
      const { files, openUploadToken } = c.var.services
      return {
        options: {},
        workSeconds: 1,
        limitSeconds: 30,
        async assertReady() {},
        takeBody: async () => ({
          size: 0,
          sha256: SHA256_OF_NOTHING,
          open: async () => new ReadableStream(),
          async discard() {},
        }),
        work: async () => createRight(null),
        async handOver({ answer }) {
          const { name } = await readRight(answer)
          const state = await openUploadToken(name).issue()
          const headers = new Headers(answer.headers)
          headers.delete('Content-Length')
          if (state.kind === 'unspent') {
            const expiresAt = new Date(state.expiresAt).toISOString()
            return Response.json({ token: name + state.secret, expiresAt }, { headers })
          }
          await files.confirm(state.file)
          return Response.json(files.describe(state.file), { headers })
        },
      }
    },
  },
})
