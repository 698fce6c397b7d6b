import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { checkImage, maxSide } from '../images/check-image.ts'
import { edgePixelLimit } from '../matte/choose-host.ts'
import type { CutOutFacts, MatteResult } from '../matte/matte.ts'

/** 25 MB, as MB are counted everywhere here: 1,048,576 bytes. */
const MAX_BODY_BYTES = 25 * 1024 * 1024
/** A picture takes one to three seconds, and waits for two others at most. */
const WORK_S = 10
const WORK_LIMIT_MS = 60_000

const query = z.object({
  format: z
    .enum(['png'], 'format may be png; webp is not served by this version yet')
    .default('png')
    .describe('Format of the cut-out.'),
  output: z
    .enum(['cutout'], 'output may be cutout; mask is not served by this version yet')
    .default('cutout')
    .describe('What to answer: the cut-out.'),
  quality: z
    .enum(['auto', 'fast'], 'quality may be auto or fast; best needs a Container, which this deployment does not have')
    .default('auto')
    .describe('fast: the model at the edge. auto: whatever fits the picture.'),
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
    `${edgePixelLimit.toLocaleString('en-US')} pixels in all. The answer is the cut-out as an RGBA PNG of the same size, ` +
    'upright, in sRGB and without metadata. Failures are never charged.',
  query,
  request: {
    description: 'The image itself, as raw bytes.',
    contentTypes: ['image/png', 'image/jpeg'],
  },
  response: {
    description: 'The cut-out.',
    contentTypes: ['image/png'],
    headers: {
      'X-Image-Width': 'Width in pixels.',
      'X-Image-Height': 'Height in pixels.',
      'X-Foreground-Bbox': 'Bounding box of the foreground: x,y,w,h in pixels.',
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
      const { format } = checkImage(head.bytes, head.isWhole, contentType, edgePixelLimit)
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
