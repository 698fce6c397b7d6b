import type { Hono } from 'hono'
import { z } from 'zod'
import { writeGoogleError } from './google-error.ts'
import type { Stage, UpstreamFault } from './simulator.ts'

/** Models, and the aspect ratios that each takes (Gemini API, "Image generation"). */
const ten = ['1:1', '2:3', '3:2', '3:4', '4:3', '4:5', '5:4', '9:16', '16:9', '21:9']
const models: Readonly<Record<string, readonly string[]>> = {
  'gemini-nano-banana-2.1': [...ten, '1:4', '4:1', '1:8', '8:1'],
  'gemini-3-pro-image': ten,
}

const sizes: Readonly<Record<string, number>> = { '1K': 1, '2K': 2, '4K': 4 }

/** The part of `GenerateContentRequest` that image models take; fields that there are not are refused. */
const requestSchema = z.strictObject({
  contents: z
    .array(
      z.strictObject({
        role: z.enum(['user', 'model']).optional(),
        parts: z.array(z.strictObject({ text: z.string().min(1) })).min(1),
      }),
    )
    .min(1),
  safetySettings: z.array(z.strictObject({ category: z.string(), threshold: z.string() })).optional(),
  generationConfig: z
    .strictObject({
      candidateCount: z.literal(1).optional(),
      seed: z.int().optional(),
      responseModalities: z.array(z.enum(['TEXT', 'IMAGE'])).optional(),
      imageConfig: z
        .strictObject({ aspectRatio: z.string().optional(), imageSize: z.enum(['1K', '2K', '4K']).optional() })
        .optional(),
    })
    .optional(),
})

const invalid = (message: string) => writeGoogleError(400, 'INVALID_ARGUMENT', message)

function refuseKey(given: string | undefined, key: string): Response | undefined {
  if (!given) {
    return writeGoogleError(403, 'PERMISSION_DENIED', "Method doesn't allow unregistered callers. Use an API Key.")
  }
  if (given === key) return undefined
  const info = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }
  return writeGoogleError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [info])
}

const answer = (parts: unknown, finishReason: string) =>
  Response.json({
    candidates: [{ content: { role: 'model', parts }, finishReason, index: 0 }],
    usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 1120 },
    modelVersion: 'simulated',
    responseId: crypto.randomUUID(),
  })

function createBlocked(reason = 'PROHIBITED_CONTENT'): Response {
  const isOfPrompt = ['SAFETY', 'OTHER', 'BLOCKLIST', 'PROHIBITED_CONTENT'].includes(reason)
  if (isOfPrompt) return Response.json({ promptFeedback: { blockReason: reason }, usageMetadata: {} })
  return Response.json({ candidates: [{ finishReason: reason, index: 0 }], usageMetadata: {} })
}

async function createAnswer(stage: Stage, aspectRatio: string, scale: number, fault?: UpstreamFault) {
  if (fault?.mode === 'blocked') return createBlocked(fault.reason)
  if (fault?.mode === 'no_image') {
    const reason = fault.reason ?? 'STOP'
    return answer(reason === 'STOP' ? [{ text: 'I cannot make this picture.' }] : [], reason)
  }
  const [across = 1, down = 1] = aspectRatio.split(':').map(Number)
  const unit = (64 * scale) / Math.max(across, down)
  const size = [Math.ceil(across * unit), Math.ceil(down * unit)] as const
  const createPart = async ([width, height]: readonly [number, number]) => {
    const bytes = await stage.createOutput('image', [width, height], fault)
    return { inlineData: { mimeType: 'image/jpeg', data: Buffer.from(bytes).toString('base64') } }
  }
  const image = { ...(await createPart(size)), thoughtSignature: 'c2ln'.repeat(500) }
  if (fault?.mode !== 'drafts') return answer([image], 'STOP')
  const draft = await createPart([48, 48])
  // A thought may come last, and say that it is one after its data.
  return answer(
    [
      { thought: true, text: 'Thinking' },
      { ...draft, thought: true },
      draft,
      { text: 'Here.' },
      image,
      { ...draft, thought: true },
    ],
    'STOP',
  )
}

/** Serves the Gemini API's `generateContent` below `/gemini/v1beta`. */
export function serveGemini(app: Hono, stage: Stage, key: string): void {
  app.all('/gemini/*', (c) =>
    stage.perform('gemini', c.req.raw, writeGoogleError, (body, fault) => {
      const [, model] = /^\/gemini\/v1beta\/models\/([^/:]+):generateContent$/.exec(c.req.path) ?? []
      if (model === undefined || c.req.method !== 'POST') return writeGoogleError(404, 'NOT_FOUND', 'Not Found')
      const refusal = refuseKey(c.req.header('x-goog-api-key'), key)
      if (refusal) return refusal
      const ratios = models[model]
      if (!ratios) {
        return writeGoogleError(404, 'NOT_FOUND', `models/${model} is not found for API version v1beta.`)
      }
      if (c.req.header('content-type') !== 'application/json') return invalid('Content-Type must be application/json')
      const request = requestSchema.safeParse(body)
      if (!request.success) return invalid(`Invalid JSON payload received. ${z.prettifyError(request.error)}`)
      const { aspectRatio = '1:1', imageSize = '1K' } = request.data.generationConfig?.imageConfig ?? {}
      if (!ratios.includes(aspectRatio)) return invalid(`aspect_ratio must be one of ${ratios.join(', ')}.`)
      return createAnswer(stage, aspectRatio, sizes[imageSize] ?? 1, fault)
    }),
  )
}
