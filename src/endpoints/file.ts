import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { extensions } from '../hosting/hosted-file.ts'
import { maxVariantPixels, variantFits, variantFormats } from '../hosting/resize.ts'
import { findFile, isPlain, serve } from '../hosting/serve.ts'
import { MAX_VARIANTS } from '../hosting/variants.ts'

const side = (name: string) =>
  z
    .string()
    .regex(/^([1-9]\d{0,4})?$/, `${name} must be pixels, from 1 to 99999`)
    .transform((text) => (text === '' ? null : Number(text)))
    .default(null)

const query = z.object({
  w: side('w').describe('Width in pixels; never enlarged. Without h the ratio stays.'),
  h: side('h').describe('Height in pixels; never enlarged. Without w the ratio stays.'),
  fit: z
    .enum(variantFits, 'fit may be contain or cover')
    .default('contain')
    .describe('With w and h: all of the image within them, or all of them covered by its middle.'),
  format: z
    .enum(['', ...variantFormats], 'format may be png, webp or jpeg')
    .default('')
    .transform((format) => format || null)
    .describe('Format of the variant; that of the image unless given.'),
})

/** What most requests ask for, without parsing it. */
const plain = query.parse({})

export const file = defineEndpoint({
  method: 'GET',
  path: '/i/:name',
  name: 'readFile',
  summary: 'A hosted image, or a smaller variant of it',
  description: ({ files }) =>
    `Public, from any origin, by GET or HEAD, whole or one range: \`${files.exampleUrl}\`. Variants are made of images ` +
    `up to ${maxVariantPixels.toLocaleString('en-US')} pixels, ${MAX_VARIANTS} of one image; of an animation, of its ` +
    'first picture.',
  query,
  response: {
    description: 'The image.',
    contentTypes: Object.keys(extensions),
    headers: {
      ETag: 'Identifies the bytes; `If-None-Match` with it is answered 304.',
      'Cache-Control': 'How long a client may keep it.',
    },
  },
  errors: [
    'invalid_request',
    'not_found',
    'range_not_satisfiable',
    'unavailable_for_legal_reasons',
    'processor_unavailable',
  ],
  async handle(c) {
    const { files, variants } = c.var.services
    const request = c.req.raw
    const { w: width, h: height, fit, format } = request.url.includes('?') ? readQuery(c, query, 'ignore') : plain
    const isVariant = width !== null || height !== null || format !== null
    const whole = await findFile(files, c.req.param('name'), isPlain(request) && !isVariant)
    const variant = isVariant ? await variants.find(whole.id, whole.object, { width, height, fit, format }) : null
    return serve(request, variant ?? whole)
  },
})
