import { imageExtensions } from './hosted-file.ts'

/** What every upload takes, for the documentation. */
export const uploadContent = {
  description:
    'The image: a form with the field "image" (or "file"), JSON {"file": base64 or data: URI}, or the raw bytes. PNG, ' +
    'JPEG, GIF or WebP, judged by its bytes alone.',
  contentTypes: ['multipart/form-data', 'application/json', ...Object.keys(imageExtensions)],
  schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', description: 'base64' } } },
} as const

/** What every upload answers, for the documentation. */
export const hostedFile = {
  description: 'Where the image is, until when, and what its uploader needs to look after it.',
  contentTypes: ['application/json'],
  schema: {
    type: 'object',
    required: ['url', 'id', 'contentType', 'sizeBytes', 'expiresAt', 'deleteToken', 'manageUrl'],
    properties: {
      url: { type: 'string', format: 'uri', description: 'Public address of the image.' },
      id: { type: 'string', pattern: '^[0-9A-Za-z]{22}$' },
      contentType: { enum: Object.keys(imageExtensions) },
      sizeBytes: { type: 'integer', description: 'As stored, without the metadata that was cut off.' },
      expiresAt: { type: 'string', format: 'date-time' },
      deleteToken: { type: 'string', description: 'A secret: whoever has it may delete the image.' },
      manageUrl: {
        type: 'string',
        format: 'uri',
        description: 'GET and DELETE it with Authorization: Bearer and the deleteToken.',
      },
    },
  },
} as const
