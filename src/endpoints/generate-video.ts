import * as z from 'zod'
import { defineEndpoint } from '../endpoint.ts'
import { acceptRequest, createCall, readJsonBody, soldAs } from '../generation/accept.ts'
import { basicPrice } from '../generation/catalogue.ts'
import { requestSchemas } from '../generation/request.ts'
import { acceptedJob } from '../generation/schemas.ts'

const PATH = '/v1/videos/generate'

export const generateVideo = defineEndpoint({
  method: 'POST',
  path: PATH,
  name: 'generateVideo',
  summary: 'Generate a video from a prompt',
  description: () =>
    'Answers at once with a job, which `GET /v1/generations/{id}` tells of, free. `mode` is `t2v`; `GET /v1/models` says ' +
    'which ratios, resolutions and durations (seconds) each model takes, and what it costs.',
  request: {
    description: 'What to generate.',
    contentTypes: ['application/json'],
    schema: z.toJSONSchema(requestSchemas.video, { io: 'input' }),
  },
  response: acceptedJob,
  errors: ['request_too_large', 'unsupported_media_type', 'model_unavailable'],
  sale: {
    mimeType: 'application/json',
    soldAs: (_, price) => soldAs(PATH, price),
    price: ({ generation }) => basicPrice('video', generation.list()),
    async prepare(c) {
      const { body, services } = c.var
      const { generation, config } = services
      const json = await readJsonBody(body, c.req.header('content-type') ?? null)
      const listed = generation.list()
      const accepted = acceptRequest('video', json, listed, config.prices.removeBackground)
      return createCall(accepted, generation.open, { route: PATH, place: generation.place })
    },
  },
})
