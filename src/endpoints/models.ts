import { defineEndpoint } from '../endpoint.ts'

export const models = defineEndpoint({
  method: 'GET',
  path: '/v1/models',
  name: 'listModels',
  summary: 'The models that generate, what they take and what they cost',
  response: {
    description: 'Every model, with what stands behind it here.',
    contentTypes: ['application/json'],
    schema: {
      type: 'object',
      required: ['models'],
      properties: {
        models: {
          type: 'array',
          items: {
            type: 'object',
            required: [
              'name',
              'kind',
              'upstream_id',
              'available',
              'aspect_ratios',
              'resolutions',
              'durations',
              'price',
            ],
            properties: {
              name: { type: 'string' },
              kind: { enum: ['image', 'video'] },
              upstream_id: { type: 'string', description: "The upstream's own name of the model." },
              available: { type: 'boolean' },
              served_by: { type: 'string', description: 'The stand-in that serves it here, where one does.' },
              aspect_ratios: { type: 'array', items: { type: 'string' }, description: 'The first is the default.' },
              resolutions: { type: 'array', items: { type: 'string' } },
              durations: { type: 'array', items: { type: 'integer' }, description: 'Seconds.' },
              price: { type: 'object', description: 'US dollars.' },
              settlement: { enum: ['on_accept', 'on_success'] },
              sunset: { type: ['string', 'null'], format: 'date' },
            },
          },
        },
      },
    },
  },
  errors: [],
  handle: (c) =>
    c.json({
      models: c.var.services.generation.list().map(({ model, server }) => ({
        name: model.name,
        kind: model.kind,
        upstream_id: server?.upstreamId ?? model.upstreamId,
        available: server !== null,
        ...(server?.servedBy && { served_by: server.servedBy }),
        aspect_ratios: model.aspectRatios,
        resolutions: model.resolutions,
        durations: model.durations,
        price: model.price,
        settlement: model.settlement,
        sunset: model.sunset,
      })),
    }),
})
