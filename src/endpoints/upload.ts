import { now } from '../clock.ts'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { checkHead, readImage, type UploadedImage } from '../hosting/read-image.ts'
import { hostedFile, uploadContent } from '../hosting/schemas.ts'
import { createUploadQuery } from '../hosting/upload-options.ts'
import { createRight, readRight, UPLOAD_ROUTE } from '../hosting/upload-right.ts'
import { splitToken, tokenPattern } from '../hosting/upload-token.ts'
import { type Use, useToken } from '../hosting/use-token.ts'

const query = createUploadQuery('paid')

const replayed = { 'Idempotent-Replayed': 'true' }

/** What a bearer of a token is told who may not use it. */
const refusals: Readonly<Record<Exclude<Use['kind'], 'hosted'>, () => ApiError>> = {
  unknown: () => new ApiError('invalid_token', { message: 'There is no such upload token, or it was replaced.' }),
  expired: () => new ApiError('token_expired'),
  taken: () =>
    new ApiError('invalid_token', { message: 'The upload token was spent on another image, or with other options.' }),
}

export const upload = defineEndpoint({
  method: 'POST',
  path: '/api/upload',
  name: 'upload',
  summary: 'Host an image for a year',
  description: () =>
    'At most 5 MB. Pay with the request itself, or send an upload token in the header `X-Upload-Token`: it keeps the ' +
    'image out of the paid request. A failed upload uses neither up. The same payment or token with the same image ' +
    'again answers the same. The link is public, and the only secret.',
  query,
  request: {
    ...uploadContent,
    headers: { 'X-Upload-Token': 'A token from POST /api/upload/token, instead of a payment. A secret.' },
  },
  response: hostedFile,
  errors: [
    ...(['no_file', 'empty_file', 'file_too_large', 'unsupported_format', 'invalid_token', 'token_expired'] as const),
    ...(['unavailable_for_legal_reasons', 'upload_failed'] as const),
  ],
  sale: {
    soldAs: () => UPLOAD_ROUTE,
    isShared: true,
    mimeType: 'application/json',
    price: ({ config }) => config.prices.upload,

    async redeem(c) {
      const token = c.req.header('x-upload-token')
      if (token === undefined) return null
      const { body, services } = c.var
      const since = now()
      const options = readQuery(c, query)
      if (!tokenPattern.test(token)) throw refusals.unknown()
      const { name, secret } = splitToken(token)
      const object = services.openUploadToken(name)
      // Nobody sends megabytes to hear that the token is bad.
      const state = await object.look({ secret, since }).catch((cause): never => {
        throw new ApiError('upload_failed', { cause })
      })
      if (state.kind === 'unknown' || state.kind === 'expired') throw refusals[state.kind]()
      const image = await readImage(body, c.req.header('content-type') ?? null, options, 'paid')
      const use = await useToken(object, { secret, since }, image, services.files)
      if (use.kind !== 'hosted') throw refusals[use.kind]()
      return c.json(services.files.describe(use.file), 200, use.isReplay ? replayed : {})
    },

    async prepare(c) {
      const { body, services } = c.var
      const { files, openUploadToken } = services
      const options = readQuery(c, query)
      const contentType = c.req.header('content-type') ?? null
      await checkHead(body, contentType, 'paid')
      let image: UploadedImage
      return {
        options,
        workSeconds: 2,
        limitSeconds: 60,
        async assertReady() {},
        async takeBody() {
          image = await readImage(body, contentType, options, 'paid')
          return {
            size: image.size,
            sha256: image.sha256,
            open: async () => new Response(image.file.content).body!,
            async discard() {},
          }
        },
        async work() {
          const file = await files.add({ ...image.file, isProvisional: true })
          return createRight({ upload: image.upload, file })
        },
        async handOver({ answer, transaction }) {
          const { name, stored } = await readRight(answer)
          const own = stored?.upload === image.upload ? stored.file : undefined
          const use = await useToken(openUploadToken(name), 'payer', image, files, own)
          if (use.kind !== 'hosted')
            throw new ApiError('payment_already_used', { details: { transaction: transaction! } })
          return Response.json(files.describe(use.file), { headers: use.isReplay ? replayed : {} })
        },
      }
    },
  },
})
