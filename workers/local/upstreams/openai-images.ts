import type { Hono } from 'hono'
import { z } from 'zod'
import type { Stage, WriteError } from './simulator.ts'

/** Models, and the sizes that each makes; null: any (OpenAI API reference, "Create image"; a server of one's own). */
const models: Readonly<Record<string, readonly string[] | null>> = {
  'gpt-image-1': ['1024x1024', '1536x1024', '1024x1536', 'auto'],
  'dall-e-3': ['1024x1024', '1792x1024', '1024x1792'],
  'sd-local': null,
}

const requestSchema = z.strictObject({
  model: z.string(),
  prompt: z.string().min(1).max(32_000),
  n: z.literal(1),
  size: z.string().regex(/^(?:\d+x\d+|auto)$/),
  response_format: z.enum(['url', 'b64_json']).optional(),
})

const writeError: WriteError = (status, code, message) =>
  Response.json({ error: { message, type: 'invalid_request_error', param: null, code } }, { status })

/** Serves OpenAI's `images/generations` below `/openai/v1`. Pictures are a sixteenth as wide as asked for. */
export function serveOpenaiImages(app: Hono, stage: Stage, key: string): void {
  app.all('/openai/*', (c) =>
    stage.perform('openai-images', c.req.raw, writeError, async (body, fault) => {
      if (c.req.path !== '/openai/v1/images/generations' || c.req.method !== 'POST') {
        return writeError(404, 'unknown_url', `Invalid URL (${c.req.method} ${c.req.path})`)
      }
      const authorization = c.req.header('authorization')
      if (authorization !== `Bearer ${key}`) {
        return writeError(401, 'invalid_api_key', `Incorrect API key provided: ${authorization?.slice(7)}.`)
      }
      const request = requestSchema.safeParse(body)
      if (!request.success) return writeError(400, 'invalid_value', z.prettifyError(request.error))
      const { model, size, response_format: format } = request.data
      const sizes = models[model]
      if (sizes === undefined) return writeError(404, 'model_not_found', `The model '${model}' does not exist.`)
      if (sizes && !sizes.includes(size)) return writeError(400, 'invalid_value', `Invalid value: '${size}'.`)
      if (model.startsWith('gpt-image') && format) {
        return writeError(400, 'unknown_parameter', "Unknown parameter: 'response_format'.")
      }
      if (fault?.mode === 'blocked') {
        const message = 'Your request was rejected as a result of our safety system.'
        return writeError(400, fault.reason ?? 'content_policy_violation', message)
      }
      const created = Math.floor(Date.now() / 1000)
      if (fault?.mode === 'no_image') return Response.json({ created, data: [] })
      const [width = 1024, height = 1024] = size === 'auto' ? [] : size.split('x').map(Number)
      const bytes = await stage.createOutput('image', [Math.ceil(width / 16), Math.ceil(height / 16)], fault)
      const isUrl = fault?.mode === 'url' || (!format && !model.startsWith('gpt-image')) || format === 'url'
      const image = isUrl
        ? { url: stage.keepFile(bytes, new URL(c.req.url).origin) }
        : { b64_json: Buffer.from(bytes).toString('base64') }
      return Response.json({ created, data: [image] })
    }),
  )
}
