import { type ErrorCode, errors } from '../errors.ts'
import type { CutOutFacts, ImageFormat, MatteFailure } from './matte.ts'
import { defaultMatteOptions, type MatteOptions, readMargin } from './options.ts'

/**
 * `MatteService.cut` over HTTP: `POST /cut?{options}` with the image as body. 200 answers the cut-out as a stream, its
 * facts as JSON in a header; a failure answers its code's status with the failure as JSON.
 */
export const cutPath = '/cut'
export const healthPath = '/health'
export const factsHeader = 'X-Cut-Out-Facts'

/** Those that are always there. */
const optionNames = Object.keys(defaultMatteOptions) as Exclude<keyof MatteOptions, 'model'>[]

/** What each option may be. */
const optionChecks: Readonly<Record<keyof MatteOptions, (text: string) => boolean>> = {
  format: (text) => /^(png|webp)$/.test(text),
  output: (text) => /^(cutout|mask)$/.test(text),
  bg: (text) => /^([\da-f]{6})?$/.test(text),
  crop: (text) => /^(true|false)$/.test(text),
  margin: (text) => readMargin(text) !== null,
  refine: (text) => /^(none|decontaminate)$/.test(text),
  quality: (text) => /^(auto|fast|best)$/.test(text),
  model: (text) => /^[a-z\d-]{1,60}$/.test(text),
}

/** Options as a query. */
export const writeOptions = ({ model, ...options }: MatteOptions): string =>
  new URLSearchParams([
    ...optionNames.map((name): [string, string] => [name, options[name]]),
    ...(model === undefined ? [] : [['model', model]]),
  ]).toString()

/**
 * The options of a query, every one of them named, `model` where one was chosen; or which one is missing, unknown or no
 * option's value.
 */
export function readOptions(query: URLSearchParams): MatteOptions | { readonly wrong: string } {
  const stranger = [...query.keys()].find((name) => !Object.hasOwn(optionChecks, name))
  const named = query.has('model') ? [...optionNames, 'model' as const] : optionNames
  const wrong = stranger ?? named.find((name) => !optionChecks[name](query.get(name) ?? 'MISSING'))
  if (wrong !== undefined) return { wrong }
  return Object.fromEntries(named.map((name) => [name, query.get(name)])) as unknown as MatteOptions
}

/** The image format that a Content-Type names; null for any other. */
export function readFormat(contentType: string | null): ImageFormat | null {
  const [, format] = /^image\/(png|jpeg|webp)$/.exec(contentType ?? '') ?? []
  return (format as ImageFormat | undefined) ?? null
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** The facts that a header holds; null if it holds anything else. */
export function readFacts(text: string | null): CutOutFacts | null {
  const { width, height, bbox, coverage, model } = parse(text ?? '') ?? {}
  const isBox = Array.isArray(bbox) && bbox.length === 4 && bbox.every(isCount)
  const isShare = typeof coverage === 'number' && coverage >= 0 && coverage <= 1
  if (!isCount(width) || !isCount(height) || !isBox || !isShare || typeof model !== 'string') return null
  return { width, height, bbox: bbox as unknown as CutOutFacts['bbox'], coverage, model }
}

const failureCodes: readonly ErrorCode[] = [
  'invalid_image',
  'no_foreground',
  'processing_failed',
  'processor_unavailable',
] satisfies MatteFailure['code'][]

/** The failure that an answer holds; null if it holds anything else. */
export function readFailure(text: string): MatteFailure | null {
  const { code, message, retryAfter } = parse(text) ?? {}
  if (!failureCodes.includes(code as ErrorCode)) return null
  return {
    ok: false,
    code: code as MatteFailure['code'],
    ...(typeof message === 'string' && { message }),
    ...(isCount(retryAfter) && { retryAfter }),
  }
}

/** A failure as an answer. */
export const writeFailure = (failure: MatteFailure): Response =>
  Response.json(failure, { status: errors[failure.code].status })
