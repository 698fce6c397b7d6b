/** How a job looks to its callers, for the documentation. */
export const generationSchema = {
  type: 'object',
  required: ['id', 'model', 'status', 'progress', 'output', 'created_at', 'expires_at'],
  properties: {
    id: { type: 'string', pattern: '^gen_[0-9a-f]{32}$' },
    model: { type: 'string' },
    served_by: { type: 'string', description: 'The stand-in that serves the model here, where one does.' },
    status: { enum: ['pending', 'processing', 'completed', 'failed', 'canceled'] },
    progress: { type: 'integer', minimum: 0, maximum: 100 },
    output: {
      type: 'array',
      items: {
        type: 'object',
        required: ['url', 'type', 'width', 'height', 'sha256'],
        properties: {
          url: { type: 'string', format: 'uri' },
          type: { type: 'string' },
          width: { type: 'integer' },
          height: { type: 'integer' },
          sha256: { type: 'string' },
        },
      },
    },
    created_at: { type: 'string', format: 'date-time' },
    expires_at: { type: 'string', format: 'date-time' },
    error: { enum: ['content_blocked', 'upstream_failed', 'timed_out', 'payment_failed'] },
    message: { type: 'string' },
    retryable: { type: 'boolean' },
    payment: {
      enum: ['authorized', 'settled', 'not_charged'],
      description: 'Of a job that is paid for when it has succeeded: the receipt comes with the completed job.',
    },
  },
} as const

/** What a request for a generation is answered with, for the documentation. */
export const acceptedJob = {
  description: 'The job.',
  contentTypes: ['application/json'],
  schema: generationSchema,
  status: 202,
  headers: { Location: 'Where the job can be asked about.', 'Retry-After': 'Seconds until a first look makes sense.' },
} as const
