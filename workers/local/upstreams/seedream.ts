import type { Hono } from 'hono'
import { z } from 'zod'
import type { Stage, WriteError } from './simulator.ts'

/** Models, and the fewest pixels that each makes (ModelArk, "Image generation API"). */
const models: Readonly<Record<string, number>> = {
  'seedream-4-0-250828': 921_600,
  'seedream-4-5-251128': 3_686_400,
}
const MOST_PIXELS = 16_777_216
/** The long side is at most so many times the short one. */
const WIDEST = 16

const requestSchema = z.strictObject({
  model: z.string(),
  prompt: z.string().min(1),
  size: z.string().regex(/^(?:[124]K|\d{2,5}x\d{2,5})$/),
  response_format: z.enum(['url', 'b64_json']).default('url'),
  // It defaults to true, and nobody wants that: a caller that forgets it has a picture with a mark on it.
  watermark: z.boolean(),
  sequential_image_generation: z.enum(['disabled', 'auto']).default('disabled'),
  stream: z.literal(false).optional(),
})

const writeError: WriteError = (status, code, message) =>
  Response.json({ error: { code, message: `${message} Request id: 0217`, param: '', type: 'Error' } }, { status })

function refuseSize(size: string, fewest: number): string | undefined {
  if (/K$/.test(size)) return size === '1K' && fewest > 1_048_576 ? 'size 1K is not supported' : undefined
  const [width = 0, height = 0] = size.split('x').map(Number)
  if (width * height < fewest || width * height > MOST_PIXELS)
    return `size must have ${fewest} to ${MOST_PIXELS} pixels`
  return Math.max(width, height) / Math.min(width, height) > WIDEST
    ? 'the aspect ratio of size is out of range'
    : undefined
}

/**
 * Serves BytePlus ModelArk's `images/generations` below `/ark/api/v3`. Pictures are a sixteenth as wide as asked for.
 */
export function serveSeedream(app: Hono, stage: Stage, key: string): void {
  app.all('/ark/*', (c) =>
    stage.perform('seedream', c.req.raw, writeError, async (body, fault) => {
      if (c.req.header('authorization') !== `Bearer ${key}`) {
        return writeError(401, 'AuthenticationError', 'The API key or AK/SK in the request is missing or invalid.')
      }
      if (c.req.path !== '/ark/api/v3/images/generations' || c.req.method !== 'POST') {
        return writeError(404, 'NotFound', 'Not found.')
      }
      const request = requestSchema.safeParse(body)
      if (!request.success) return writeError(400, 'InvalidParameter', z.prettifyError(request.error))
      const { model, size } = request.data
      const fewest = models[model]
      if (fewest === undefined) {
        return writeError(404, 'InvalidEndpointOrModel.NotFound', `The model or endpoint ${model} does not exist.`)
      }
      const flaw = refuseSize(size, fewest)
      if (flaw) return writeError(400, 'InvalidParameter', `The parameter size is not valid: ${flaw}.`)
      if (fault?.mode === 'blocked' && !fault.reason?.startsWith('Output')) {
        const reason = fault.reason ?? 'InputTextSensitiveContentDetected'
        return writeError(400, reason, 'The request failed because the input text may contain sensitive information.')
      }
      const [width = 2048, height = 2048] = /x/.test(size) ? size.split('x').map(Number) : []
      const bytes = await stage.createOutput('image', [Math.ceil(width / 16), Math.ceil(height / 16)], fault)
      const image = { url: stage.keepFile(bytes, new URL(c.req.url).origin), size: `${width}x${height}` }
      const partial = { error: { code: 'InternalServiceError', message: 'One of the images failed.' } }
      const datas: Readonly<Record<string, readonly unknown[]>> = {
        blocked: [{ error: { code: fault && 'reason' in fault ? fault.reason : '', message: 'It may be sensitive.' } }],
        no_image: [],
        drafts: [partial, image],
      }
      const data = datas[fault?.mode ?? ''] ?? [image]
      return Response.json({ model, created: Math.floor(Date.now() / 1000), data, usage: { generated_images: 1 } })
    }),
  )
}
