import * as z from 'zod'
import { defineEndpoint } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { acceptRequest, createCall, readJsonBody, soldAs } from '../generation/accept.ts'
import { basicPrice } from '../generation/catalogue.ts'
import { requestSchemas } from '../generation/request.ts'
import { acceptedJob } from '../generation/schemas.ts'
import { sizeOf } from '../generation/sizes.ts'

const PATH = '/v1/images/generate'

export const generateImage = defineEndpoint({
  method: 'POST',
  path: PATH,
  name: 'generateImage',
  summary: 'Generate an image from a prompt',
  description: ({ config }) =>
    'Answers at once with a job, which `GET /v1/generations/{id}` tells of, free. `aspect_ratio` is such as `16:9`, or ' +
    '`landscape`, `portrait`, `square`; `resolution` is `1k`, `2k` or `4k`; `GET /v1/models` says what each model takes and ' +
    `costs. \`"background": "transparent"\` removes the background too (+ $${config.prices.removeBackground}): \`output\` ` +
    'holds both. A job that fails is run again by `POST /v1/generations/{id}/retry`, free; one of a model whose ' +
    '`settlement` is `on_success` was not charged, and is sent anew.',
  request: {
    description: 'What to generate.',
    contentTypes: ['application/json'],
    schema: z.toJSONSchema(requestSchemas.image, { io: 'input' }),
  },
  response: acceptedJob,
  errors: ['request_too_large', 'unsupported_media_type', 'model_unavailable'],
  sale: {
    mimeType: 'application/json',
    soldAs: (_, price) => soldAs(PATH, price),
    price: ({ generation }) => basicPrice('image', generation.list()),
    async prepare(c) {
      const { body, services } = c.var
      const { generation, config, matte } = services
      const json = await readJsonBody(body, c.req.header('content-type') ?? null)
      const listed = generation.list()
      const accepted = acceptRequest('image', json, listed, config.prices.removeBackground)
      const { width, height } = sizeOf(accepted.task)
      const most = matte.pixelLimit('png')
      if (accepted.isTransparent && width * height > most) {
        const message = `The field "resolution" must be smaller for a transparent background: ${most} pixels at most.`
        throw new ApiError('invalid_request', { message })
      }
      return createCall(accepted, generation.open, { route: PATH, place: generation.place })
    },
  },
})
