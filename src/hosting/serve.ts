import { now } from '../clock.ts'
import { ApiError } from '../errors.ts'
import type { HostedFiles } from './files.ts'
import { extensions, type FileFacts, type HostedType, readFacts } from './hosted-file.ts'

/** Seconds for which a cache may remember that there is no such file. */
const MISSING_S = 30

/** Nothing in a file runs or loads, whatever a browser takes it for. */
const CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

/** What a request for a file names: `{id}.{extension}`. */
const namePattern = /^([0-9A-Za-z]{22})\.([a-z\d]{3,4})$/

/** An answer that tells of no file, and that caches forget soon. */
export const createMissing = (): ApiError =>
  new ApiError('not_found', {
    message: 'There is no such file: it has expired, was deleted, or never was.',
    headers: { 'Cache-Control': `public, max-age=${MISSING_S}` },
  })

/** The id in a file's name, if it is one. @throws ApiError `not_found` */
export function readName(name: string): { id: string; extension: string } {
  const [, id, extension] = namePattern.exec(name) ?? []
  if (!id || !extension) throw createMissing()
  return { id, extension }
}

/** Refuses what was taken down. @throws ApiError `unavailable_for_legal_reasons` */
export function assertUp({ isTakenDown }: FileFacts): void {
  if (!isTakenDown) return
  throw new ApiError('unavailable_for_legal_reasons', { headers: { 'Cache-Control': `public, max-age=${MISSING_S}` } })
}

/** A file as it is served: a hosted one, or a variant of it. */
export interface Served {
  /** Of the hosted file. */
  readonly id: string
  readonly object: R2Object
  readonly contentType: string
  readonly facts: FileFacts
  /** Reads its bytes, or some of them. */
  open(range?: { offset: number; length: number }): Promise<ReadableStream | null>
}

/**
 * Headers of every answer about a file. A client may keep it for its tier's time (or for the life that its uploader
 * chose); shared caches only as long as it lives.
 */
function describeFile({ id, object, contentType, facts }: Served): Record<string, string> {
  const secondsLeft = Math.floor((facts.expiresAt - now()) / 1000)
  return {
    'Content-Type': contentType,
    'Cache-Control': `public, max-age=${facts.lifeSeconds}${facts.tier === 'paid' ? ', immutable' : ''}`,
    'CDN-Cache-Control': `max-age=${secondsLeft}`,
    // Deleting a file purges by this.
    'Cache-Tag': tagOf(id),
    ETag: object.httpEtag,
    'Accept-Ranges': 'bytes',
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  }
}

/** What a file and its variants have in common in caches. */
export const tagOf = (id: string): string => `file-${id}`

/** RFC 9110, 13.1.2, weakly compared as it says. */
function isUnchanged(request: Request, { httpEtag }: R2Object): boolean {
  const given = request.headers.get('if-none-match')
  if (given === null) return false
  return given.trim() === '*' || given.split(',').some((tag) => tag.trim().replace(/^W\//, '') === httpEtag)
}

/**
 * The one range of a request (RFC 9110, 14.1.2), `all` where it asks for none, several or something else, `none` where
 * there are no such bytes.
 */
function readRange(
  request: Request,
  { size, httpEtag }: R2Object,
): 'all' | 'none' | { offset: number; length: number } {
  const condition = request.headers.get('if-range')
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get('range')?.replaceAll(' ', '') ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'all'
  if (condition !== null && condition !== httpEtag) return 'all'
  if (first !== '' && last !== '' && Number(last) < Number(first)) return 'all'
  const offset = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  return offset < size && end > offset ? { offset, length: end - offset } : 'none'
}

/** Answers a GET or HEAD of a file: whole, a range of it, or that it has not changed. RFC 9110. */
export async function serve(request: Request, served: Served): Promise<Response> {
  const { object } = served
  const headers = describeFile(served)
  if (isUnchanged(request, object)) return new Response(null, { status: 304, headers })
  const range = request.method === 'GET' ? readRange(request, object) : 'all'
  if (range === 'none') {
    throw new ApiError('range_not_satisfiable', { headers: { 'Content-Range': `bytes */${object.size}` } })
  }
  if (request.method === 'HEAD') {
    return new Response(null, { headers: { ...headers, 'Content-Length': String(object.size) } })
  }
  const body = await served.open(range === 'all' ? undefined : range)
  if (!body) throw createMissing()
  if (range === 'all') return new Response(body, { headers })
  const part = `bytes ${range.offset}-${range.offset + range.length - 1}/${object.size}`
  return new Response(body, { status: 206, headers: { ...headers, 'Content-Range': part } })
}

/**
 * Finds a file for a request. Its object has a body where that is all there is to be read.
 * @throws ApiError `not_found`, `unavailable_for_legal_reasons`
 */
export async function findFile(files: HostedFiles, name: string, withBytes: boolean): Promise<Served> {
  const { id, extension } = readName(name)
  // What needs no bytes, or not all of them, is looked at first.
  const object = withBytes ? await files.open(id) : await files.head(id)
  if (!object) throw createMissing()
  const facts = readFacts(object)
  const contentType = object.httpMetadata?.contentType ?? ''
  const whole = 'body' in object ? (object as R2ObjectBody).body : null
  try {
    if (extensions[contentType as HostedType] !== extension) throw createMissing()
    assertUp(facts)
  } catch (error) {
    await whole?.cancel()
    throw error
  }
  return { id, object, contentType, facts, open: async (range) => whole ?? (await files.open(id, range))?.body ?? null }
}

/** Whether a request needs a file's bytes, and all of them, however it stands. */
export const isPlain = ({ method, headers }: Request): boolean =>
  method === 'GET' && !headers.has('range') && !headers.has('if-none-match')
