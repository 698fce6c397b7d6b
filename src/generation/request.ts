import * as z from 'zod'
import { ApiError } from '../errors.ts'
import type { GenerationModel } from './models.ts'
import type { GenerationTask } from './provider.ts'

/** Most bytes of a request's JSON. */
export const MAX_REQUEST_BYTES: number = 64 * 1024
const MAX_PROMPT = 4000
/** As much of an unknown field's name as is said back. */
const MOST_ECHOED = 64

/** Words for ratios, as people say them. */
const ratioWords: Readonly<Record<string, string>> = { landscape: '16:9', portrait: '9:16', square: '1:1' }

/** A valid request: what the upstream is asked for, and what becomes of it. */
export interface GenerationRequest {
  readonly model: GenerationModel
  readonly task: GenerationTask
  /** Whether the background of the picture is removed, too. */
  readonly isTransparent: boolean
}

const prompt = z
  .string('must be text')
  .refine((text) => text.trim() !== '', 'must not be empty')
  // Characters, not UTF-16 units: an emoji is one.
  .refine((text) => [...text].length <= MAX_PROMPT, `may have ${MAX_PROMPT.toLocaleString('en-US')} characters at most`)

const common = {
  model: z.string('must be the name of a model'),
  prompt,
  aspect_ratio: z.string('must be text such as "16:9"').optional(),
}

/** What each call takes. Other fields are refused. */
const schemas = {
  image: z.strictObject({
    ...common,
    resolution: z
      .string('must be text such as "2k"')
      .transform((text) => text.toLowerCase())
      .optional(),
    background: z.enum(['transparent', 'opaque'], 'may be "transparent" or "opaque"').optional(),
  }),
  video: z.strictObject({
    ...common,
    mode: z.literal('t2v', 'must be "t2v"'),
    resolution: z
      .string('must be text such as "720p"')
      .transform((text) => text.toLowerCase())
      .optional(),
    duration: z
      .union(
        [
          z.number(),
          z
            .string()
            .regex(/^\d{1,3}$/)
            .transform(Number),
        ],
        'must be seconds',
      )
      .optional(),
  }),
} as const

export const requestSchemas: typeof schemas = schemas

const refuse = (field: string, problem: string): never => {
  throw new ApiError('invalid_request', { message: `The field "${field}" ${problem}.` })
}

const list = (values: readonly (string | number)[]): string => values.join(', ')

/** One of a row's values: the one that was asked for, or the default. */
function choose<Value extends string | number>(
  field: string,
  asked: Value | undefined,
  allowed: readonly Value[],
  name: string,
): Value | null {
  if (asked === undefined) return allowed[0] ?? null
  if (allowed.includes(asked)) return asked
  return refuse(field, allowed.length === 0 ? `is not taken by ${name}` : `may be ${list(allowed)} for ${name}`)
}

/**
 * Reads the JSON of a request against the row of its model; defaults filled in.
 * @throws ApiError `invalid_request`, naming the field and what it takes
 */
export function readGenerationRequest(
  kind: GenerationModel['kind'],
  body: unknown,
  models: readonly GenerationModel[],
): GenerationRequest {
  const parsed = schemas[kind].safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined
    if (unknown !== undefined)
      refuse(unknown.slice(0, MOST_ECHOED), `is not known. Fields are: ${list(Object.keys(schemas[kind].shape))}`)
    const field = issue?.path.join('.')
    if (!field) refuse('model', 'is missing: the body must be a JSON object')
    const isMissing = !Object.hasOwn(Object(body), field!)
    refuse(field!, isMissing ? 'is missing' : (issue?.message ?? 'is not valid'))
  }
  const asked = parsed.data as z.infer<typeof schemas.image> & Partial<z.infer<typeof schemas.video>>
  const ofKind = models.filter((row) => row.kind === kind)
  const model = ofKind.find(({ name }) => name === asked.model)
  if (!model) return refuse('model', `may be ${list(ofKind.map(({ name }) => name))}`)
  const ratio = asked.aspect_ratio && (ratioWords[asked.aspect_ratio.toLowerCase()] ?? asked.aspect_ratio)
  return {
    model,
    task: {
      kind,
      upstreamId: model.upstreamId,
      prompt: asked.prompt,
      aspectRatio: choose('aspect_ratio', ratio, model.aspectRatios, model.name)!,
      resolution: choose('resolution', asked.resolution, model.resolutions, model.name),
      durationSeconds: choose('duration', asked.duration, model.durations, model.name),
    },
    isTransparent: asked.background === 'transparent',
  }
}
