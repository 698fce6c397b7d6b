import { setTimeout as sleep } from 'node:timers/promises'
import type { Hono } from 'hono'
import sharp from 'sharp'
import { z } from 'zod'
import { createFaults, describeHttpFaults, faultTiming, serveFaultHook, showHttpFault } from '../faults.ts'

/** What the simulators do; a fault strikes one of them. `file` is the storage that outputs are fetched from. */
export const operations = ['gemini', 'token', 'veo.start', 'veo.poll', 'seedream', 'openai-images', 'file'] as const
export type Operation = (typeof operations)[number]

const target = { op: z.enum(operations) }
const plain = <Mode extends string>(mode: Mode) => z.strictObject({ ...target, ...faultTiming, mode: z.literal(mode) })

const faultSchema = z
  .discriminatedUnion('mode', [
    ...describeHttpFaults(target),
    /** 429 as the provider writes it, with when to come back. */
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('rate_limited'), seconds: z.number().default(30) }),
    /** Never answers. */
    plain('hang'),
    /** The right answer, a few bytes at a time. */
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('slow'), ms: z.int().nonnegative().default(1) }),
    /** The first half of the right answer, as if it were whole. */
    plain('truncated'),
    /** The first half of the right answer, and the connection ends. */
    plain('cut'),
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('redirect'), to: z.string() }),
    /** The content is refused; `reason` is the provider's word for it. */
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('blocked'), reason: z.string().optional() }),
    /** A good answer that holds no output; `reason` as above. */
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('no_image'), reason: z.string().optional() }),
    /** Several images, of which one counts. */
    plain('drafts'),
    /** URLs instead of base64, from a server that ignores what it was asked. */
    plain('url'),
    plain('expired_url'),
    /** A page of HTML that says it is an image. */
    plain('wrong_mime'),
    /** An output of so many bytes that begins as a real one. */
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('huge_output'), bytes: z.int().positive() }),
  ])
  .superRefine(({ op, mode }, context) => {
    const only = contentModes[mode]
    if (only && !only.includes(op)) context.addIssue(`${op} knows no mode ${mode}`)
  })

/** A fault as `POST /_fault` takes it. */
export type UpstreamFault = z.infer<typeof faultSchema>
type Mode = UpstreamFault['mode']

const inline: readonly Operation[] = ['gemini', 'veo.poll', 'openai-images', 'file']
/** Which simulators know the faults that are no matter of HTTP. */
const contentModes: Readonly<Partial<Record<Mode, readonly Operation[]>>> = {
  blocked: ['gemini', 'veo.start', 'veo.poll', 'seedream', 'openai-images'],
  no_image: ['gemini', 'veo.poll', 'seedream', 'openai-images'],
  drafts: ['gemini', 'seedream'],
  url: ['openai-images'],
  expired_url: ['file'],
  wrong_mime: inline,
  huge_output: inline,
}

/**
 * One call, as `GET /_log` lists it: written when it arrives, completed when it is answered. Credentials are left out.
 */
export interface UpstreamLogEntry {
  readonly op: Operation
  readonly path: string
  readonly body: unknown
  /** Names of the headers that carry credentials, as they came. */
  readonly credentials: readonly string[]
  status?: number
  /** What struck it. */
  fault?: Mode
}

/** How a provider writes its refusals. */
export type WriteError = (status: number, code: string, message: string, details?: readonly unknown[]) => Response

/** What a provider's simulator is given to work with. */
export interface Stage {
  /** Answers a call: writes it down, shows the faults that spoil HTTP, and hands the others to `work`. */
  perform(
    op: Operation,
    request: Request,
    writeError: WriteError,
    work: (body: unknown, fault: UpstreamFault | undefined) => Response | Promise<Response>,
  ): Promise<Response>
  /** The bytes of an output, spoilt as the fault wants it. */
  createOutput(kind: 'image' | 'video', size: readonly [number, number], fault?: UpstreamFault): Promise<Uint8Array>
  /** Keeps an output at a signed URL; its address. */
  keepFile(bytes: Uint8Array, origin: string): string
}

const credentialHeaders = ['authorization', 'x-goog-api-key', 'api-key', 'cookie']
const HTML = '<!DOCTYPE html><html><body>Sign in to see this picture</body></html>'

/** Pictures do not compress to nothing, as real ones do not. */
const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const

/** A file of the MP4 family, as far as its first bytes say; what follows is noise that no player plays. */
function createVideo(bytes: number): Uint8Array {
  const video = new Uint8Array(bytes)
  for (let at = 0; at < bytes; at += 1) video[at] = (Math.imul(at, 2_654_435_761) >>> 13) & 0xff
  video.set(Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08free', 'latin1'))
  return video
}

function trickle(bytes: Uint8Array, ms: number): ReadableStream<Uint8Array> {
  const step = Math.ceil(bytes.length / 16)
  let at = 0
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(bytes.slice(at, at + step))
      at += step
      if (at >= bytes.length) return controller.close()
      await sleep(ms, undefined, { ref: false })
    },
  })
}

/** What a fault makes of a good answer. */
async function spoil(response: Response, fault: UpstreamFault): Promise<Response> {
  const { mode } = fault
  if (mode !== 'slow' && mode !== 'truncated' && mode !== 'cut') return response
  const bytes = new Uint8Array(await response.arrayBuffer())
  const headers = { 'Content-Type': response.headers.get('content-type') ?? 'application/json' }
  const half = bytes.slice(0, Math.floor(bytes.length / 2))
  const bodies = {
    slow: () => trickle(bytes, 'ms' in fault ? fault.ms : 1),
    truncated: () => half,
    cut: () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(half),
        async pull(controller) {
          // Once the half of it is on its way.
          await sleep(5, undefined, { ref: false })
          controller.error(new Error('cut'))
        },
      }),
  }
  return new Response(bodies[mode]() as BodyInit, { status: response.status, headers })
}

/** What a fault shows instead of any work; undefined when the work goes on. */
async function showInstead(fault: UpstreamFault, writeError: WriteError): Promise<Response | undefined> {
  const { mode } = fault
  if (mode === 'hang') return new Promise<Response>(() => undefined)
  if (mode === 'redirect') return new Response(null, { status: 307, headers: { Location: fault.to } })
  if (mode === 'rate_limited') {
    const retryDelay = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${fault.seconds}s` }
    const response = writeError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded. Retry later.', [retryDelay])
    if (!(await response.clone().text()).includes('RetryInfo')) {
      response.headers.set('Retry-After', String(fault.seconds))
    }
    return response
  }
  if (mode === '500' || mode === 'html' || mode === 'json' || mode === 'delay') return showHttpFault(fault)
  return undefined
}

async function readBody(request: Request): Promise<unknown> {
  const text = await request.text()
  try {
    return JSON.parse(text)
  } catch {
    return text || undefined
  }
}

/** Creates the stage, and serves on `app` what belongs to no provider: files, `GET /_log`, `POST /_fault`. */
export function createStage(app: Hono, video: Uint8Array | undefined): Stage {
  const faults = createFaults<UpstreamFault>()
  const log: UpstreamLogEntry[] = []
  const files = new Map<string, Uint8Array>()

  const perform: Stage['perform'] = async (op, request, writeError, work) => {
    const body = await readBody(request)
    const credentials = credentialHeaders.filter((name) => request.headers.has(name))
    const entry: UpstreamLogEntry = { op, path: new URL(request.url).pathname, body, credentials }
    log.push(entry)
    const before = faults.take('before', (fault) => fault.op === op)
    if (before) entry.fault = before.mode
    const instead = before && (await showInstead(before, writeError))
    if (instead) {
      entry.status = instead.status
      return instead
    }
    const answer = await work(body, before)
    const after = faults.take('after', (fault) => fault.op === op)
    if (after) entry.fault = after.mode
    entry.status = answer.status
    const replaced = after && (await showInstead(after, writeError))
    return replaced ?? spoil(answer, after ?? before ?? ({ mode: 'delay' } as UpstreamFault))
  }

  const createOutput: Stage['createOutput'] = async (kind, [width, height], fault) => {
    if (fault?.mode === 'wrong_mime') return Buffer.from(HTML.padEnd(2000))
    const bytes =
      kind === 'video'
        ? (video ?? createVideo(4000))
        : await sharp({ create: { width, height, channels: 3, background: '#7aa2d6', noise } })
            .jpeg()
            .toBuffer()
    if (fault?.mode !== 'huge_output') return new Uint8Array(bytes)
    const huge = new Uint8Array(Math.max(fault.bytes, bytes.length))
    huge.set(bytes)
    return huge
  }

  const refuseFile: WriteError = (status, code, message) =>
    new Response(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`, {
      status,
      headers: { 'Content-Type': 'application/xml' },
    })

  app.get('/files/:id', (c) =>
    perform('file', c.req.raw, refuseFile, async (_, fault) => {
      const bytes = files.get(c.req.param('id'))
      // As storage does: a signed URL and a key are two credentials.
      if (credentialHeaders.some((name) => c.req.header(name))) {
        return refuseFile(400, 'InvalidArgument', 'Only one auth mechanism allowed.')
      }
      if (fault?.mode === 'expired_url' || c.req.query('Signature') !== 'sig') {
        return refuseFile(403, 'AccessDenied', 'Request has expired')
      }
      if (!bytes) return refuseFile(404, 'NoSuchKey', 'The specified key does not exist.')
      const isSpoilt = fault?.mode === 'wrong_mime' || fault?.mode === 'huge_output'
      const body = isSpoilt ? await createOutput('image', [64, 64], fault) : bytes
      return new Response(new Uint8Array(body), { headers: { 'Content-Type': 'image/jpeg' } })
    }),
  )
  app.get('/_log', () => Response.json(log))
  serveFaultHook(app, faultSchema, faults)

  return {
    perform,
    createOutput,
    keepFile(bytes, origin) {
      const id = crypto.randomUUID()
      files.set(id, bytes)
      // As long as signed URLs are.
      return `${origin}/files/${id}?Expires=86400&Signature=sig&Policy=${'p'.repeat(1200)}`
    },
  }
}
