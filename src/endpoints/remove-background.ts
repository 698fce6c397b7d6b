import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { checkImage, maxSide } from '../images/check-image.ts'
import { maxPixels, pixelLimitOf } from '../matte/choose-host.ts'
import type { CutOutFacts, MatteResult } from '../matte/matte.ts'
import { defaultMatteOptions, readMargin } from '../matte/options.ts'

/** 25 MB, as MB are counted everywhere here: 1,048,576 bytes. */
const MAX_BODY_BYTES = 25 * 1024 * 1024
/** A picture takes one to three seconds, and waits for two others at most. */
const WORK_S = 10
const WORK_LIMIT_MS = 60_000

const query = z
  .object({
    format: z
      .enum(['png', 'webp'], 'format may be png or webp')
      .default(defaultMatteOptions.format)
      .describe('Format of the answer. webp: lossy colour at quality 90, lossless alpha.'),
    output: z
      .enum(['cutout', 'mask'], 'output may be cutout or mask')
      .default(defaultMatteOptions.output)
      .describe('What to answer: the cut-out, or its alpha as a grey PNG.'),
    bg: z
      .string()
      .regex(/^(#?[\da-fA-F]{6})?$/, 'bg must be six hexadecimal digits, such as ffffff')
      .transform((text) => text.replace('#', '').toLowerCase())
      .default(defaultMatteOptions.bg)
      .describe('Colour to put the foreground on, rrggbb; the answer is then opaque.'),
    crop: z
      .enum(['true', 'false'], 'crop may be true or false')
      .default(defaultMatteOptions.crop)
      .describe('Cut to the foreground.'),
    margin: z
      .string()
      .refine((text) => readMargin(text) !== null, 'margin must be pixels or percent, such as 20px or 5%')
      .transform((text) => (/[x%]$/.test(text) ? text : `${text}px`))
      .default(defaultMatteOptions.margin)
      .describe('With crop=true, space around the foreground: 20px, or 5% of its longer side.'),
    refine: z
      .enum(['none', 'decontaminate'], 'refine may be none or decontaminate')
      .default(defaultMatteOptions.refine)
      .describe('decontaminate: edges follow the picture, soft ones lose the old background in them. none: as seen.'),
    quality: z
      .enum(
        ['auto', 'fast'],
        'quality may be auto or fast; best needs a Container, which this deployment does not have',
      )
      .default(defaultMatteOptions.quality)
      .describe('fast: the model at the edge. auto: whatever fits the picture.'),
  })
  .superRefine(({ output, format, bg, crop, margin }, context) => {
    const refuse = (option: string, message: string) => context.addIssue({ code: 'custom', path: [option], message })
    if (output === 'mask' && bg) refuse('bg', 'A mask has no colours: leave out bg, or ask for output=cutout')
    if (output === 'mask' && format !== 'png') refuse('format', 'A mask is always a PNG: leave out format')
    if (crop === 'false' && readMargin(margin)?.value) refuse('margin', 'A margin needs crop=true')
  })

const describeFacts = ({ width, height, bbox, coverage, model }: CutOutFacts) => ({
  'X-Image-Width': String(width),
  'X-Image-Height': String(height),
  'X-Foreground-Bbox': bbox.join(','),
  'X-Foreground-Coverage': coverage.toFixed(3),
  'X-Model': model,
})

/** The matte Worker's answer; one that breaks or hangs is unavailable. */
async function withinLimit(cut: Promise<MatteResult>): Promise<MatteResult> {
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(new Error('no answer in time')), WORK_LIMIT_MS)
  try {
    return await Promise.race([cut, timeout.promise])
  } catch (cause) {
    throw new ApiError('processor_unavailable', { cause })
  } finally {
    clearTimeout(timer)
  }
}

export const removeBackground = defineEndpoint({
  method: 'POST',
  path: '/v1/remove-background',
  name: 'removeBackground',
  summary: 'Remove the background of an image',
  description:
    `Send one image as the raw body: at most 25 MB, ${maxSide.toLocaleString('en-US')} pixels a side and ` +
    `${maxPixels.toLocaleString('en-US')} pixels in all (${pixelLimitOf({ format: 'webp' }).toLocaleString('en-US')} for a ` +
    'WebP). The answer is the cut-out as an RGBA PNG of the same size, upright, in sRGB and without metadata. Failures are ' +
    'never charged.',
  query,
  request: {
    description: 'The image itself, as raw bytes.',
    contentTypes: ['image/png', 'image/jpeg', 'image/webp'],
  },
  response: {
    description: 'The cut-out.',
    contentTypes: ['image/png', 'image/webp'],
    headers: {
      'X-Image-Width': 'Width of the upright picture in pixels, cropped or not.',
      'X-Image-Height': 'Height of the upright picture in pixels, cropped or not.',
      'X-Foreground-Bbox': 'Bounding box of the foreground in the upright picture: x,y,w,h in pixels.',
      'X-Foreground-Coverage': 'Share of the pixels that are foreground, 0 to 1.',
      'X-Model': 'The matte model that was used.',
    },
  },
  errors: [
    'invalid_image',
    'image_too_large',
    'unsupported_media_type',
    'no_foreground',
    'processing_failed',
    'processor_unavailable',
  ],
  sale: {
    mimeType: 'image/png',
    price: ({ config }) => config.prices.removeBackground,
    async prepare(c) {
      const { body } = c.var
      if ((body.declaredBytes ?? 0) > MAX_BODY_BYTES) throw new ApiError('image_too_large')
      const options = readQuery(c, query)
      const contentType = c.req.header('content-type') ?? null
      const head = await body.readHead()
      const { format } = checkImage(head.bytes, head.isWhole, contentType, pixelLimitOf(options))
      const { matte } = c.var.services
      return {
        options,
        bodyLimit: { bytes: MAX_BODY_BYTES, error: 'image_too_large' },
        workSeconds: WORK_S,
        async work(image) {
          const result = await withinLimit(matte.cut(await image.open(), image.size, format, options))
          if (!result.ok) {
            const { message, retryAfter } = result
            throw new ApiError(result.code, { ...(message && { message }), ...(retryAfter && { retryAfter }) })
          }
          return {
            status: 200,
            headers: { 'Content-Type': result.contentType, ...describeFacts(result.facts) },
            body: result.body,
          }
        },
      }
    },
  },
})
