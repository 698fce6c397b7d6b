import { Buffer } from 'node:buffer'
import type { PreviewService } from '../../../src/generation/preview.ts'
import type { ResizeService } from '../../../src/hosting/resize.ts'
import type { MatteResult, MatteService } from '../../../src/matte/matte.ts'
import type { Step, Verdict } from '../control.ts'

/** Tells the test that a step is reached, and waits for its verdict. */
export async function askStep(control: string, step: Step): Promise<Verdict & { visit: number }> {
  const answer = await fetch(`${control}/steps/${step}`)
  if (!answer.ok) throw new Error(`the test answered ${answer.status} at ${step}`)
  return answer.json()
}

const magic = { png: '89504e47', jpeg: 'ffd8ff', webp: '52494646' } as const
const options = JSON.stringify({
  bg: '',
  crop: 'false',
  format: 'png',
  margin: '0px',
  output: 'cutout',
  quality: 'auto',
  refine: 'decontaminate',
})
const facts = { width: 1000, height: 1000, bbox: [0, 0, 1, 1], coverage: 0.5, model: 'none' } as const

/** Works as the test says. No two works give the same bytes, so a replay can be told from a second work. */
export const createMatte = (control: string): MatteService => ({
  async cut(image, size, format, asked): Promise<MatteResult> {
    const bytes = Buffer.from(await new Response(image).arrayBuffer())
    if (bytes.length !== size) throw new Error(`${bytes.length} bytes came instead of ${size}`)
    if (!bytes.toString('hex', 0, 4).startsWith(magic[format])) throw new Error(`these bytes are no ${format}`)
    const known = Object.fromEntries(Object.entries(asked).sort(([a], [b]) => a.localeCompare(b)))
    if (JSON.stringify(known) !== options) throw new Error(`unknown options: ${JSON.stringify(asked)}`)
    const { visit, ...verdict } = await askStep(control, 'work')
    if (!verdict.ok) return verdict
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
    const { body } = new Response(`\x89PNG\r\n\x1a\n work ${visit} on ${digest}`)
    return { ok: true, contentType: 'image/png', facts, body: body! }
  },
  async ping() {},
})

/** Nobody asks for a variant here. */
export const createResize = (): ResizeService => ({
  resize: () => Promise.reject(new Error('there is no resize Worker')),
  async ping() {},
})

/** Nobody generates here. */
export const createPreview = (): PreviewService => ({
  renderImage: () => Promise.reject(new Error('there is no preview Worker')),
  renderVideo: () => Promise.reject(new Error('there is no preview Worker')),
  async ping() {},
})

/** What the test keeps with an object, as one header. */
export interface Kept {
  readonly httpMetadata: R2HTTPMetadata
  readonly customMetadata: Record<string, string>
}

function refuseOthers(given: object | undefined, known: readonly string[]): void {
  const strange = Object.keys(given ?? {}).filter((name) => !known.includes(name))
  if (strange.length > 0) throw new Error(`the stand-in for R2 does not know ${strange.join(', ')}`)
}

/** As much of R2 as the gateway uses, kept by the test: it outlives this process, and fails when the test says so. */
export function createStorage(control: string) {
  async function call(method: string, key: string, init: RequestInit = {}): Promise<Response | null> {
    const answer = await fetch(`${control}/storage/${encodeURIComponent(key)}`, { method, ...init })
    if (answer.status === 404) return null
    if (!answer.ok) throw new Error(`${method}: R2 answered ${answer.status}`)
    return answer
  }
  const describe = (key: string, { headers }: Response) => ({
    key,
    size: Number(headers.get('x-size')),
    uploaded: new Date(headers.get('x-uploaded') ?? ''),
    ...(JSON.parse(headers.get('x-kept') ?? '{}') as Kept),
  })
  return {
    async put(key: string, body: Uint8Array | ReadableStream | string, given?: R2PutOptions) {
      refuseOthers(given, ['httpMetadata', 'customMetadata'])
      const { httpMetadata = {}, customMetadata = {} } = given ?? {}
      const headers = { 'X-Kept': JSON.stringify({ httpMetadata, customMetadata }) }
      const stored = describe(key, (await call('PUT', key, { body: body as BodyInit, headers }))!)
      if (key.startsWith('i/')) await askStep(control, 'stored')
      return stored
    },
    async get(key: string, given?: R2GetOptions) {
      refuseOthers(given, [])
      const answer = await call('GET', key)
      return answer && { ...describe(key, answer), body: answer.body }
    },
    async head(key: string) {
      const answer = await call('HEAD', key)
      return answer && describe(key, answer)
    },
    async delete(keys: string | string[]) {
      for (const key of [keys].flat()) await call('DELETE', key)
    },
    async createMultipartUpload(key: string, given?: R2MultipartOptions) {
      refuseOthers(given, ['httpMetadata'])
      const upload = crypto.randomUUID()
      const at = (rest: string) => `${control}/storage/${encodeURIComponent(key)}/${rest}`
      const send = async (method: string, rest: string, body?: Uint8Array) => {
        const answer = await fetch(at(rest), { method, ...(body && { body: body as BodyInit }) })
        if (!answer.ok) throw new Error(`${method} ${rest}: R2 answered ${answer.status}`)
      }
      return {
        async uploadPart(partNumber: number, part: Uint8Array) {
          await send('PUT', `parts/${upload}/${partNumber}`, part)
          return { partNumber, etag: `${partNumber}` }
        },
        complete: () => send('PUT', `whole/${upload}`),
        abort: () => send('DELETE', `parts/${upload}`),
      }
    },
    async list(given?: R2ListOptions) {
      refuseOthers(given, ['prefix', 'startAfter', 'limit', 'include'])
      const { prefix = '', startAfter = '', limit = 1000 } = given ?? {}
      const query = new URLSearchParams({ prefix, cursor: startAfter, limit: String(limit) })
      const answer = await fetch(`${control}/storage?${query}`)
      if (!answer.ok) throw new Error(`list: R2 answered ${answer.status}`)
      const { objects, next } = await answer.json<{
        objects: (Kept & { key: string; uploaded: string })[]
        next: string
      }>()
      const found = objects.map(({ uploaded, ...object }) => ({ ...object, uploaded: new Date(uploaded) }))
      return {
        objects: found,
        delimitedPrefixes: [],
        ...(next ? { truncated: true, cursor: next } : { truncated: false }),
      }
    },
  }
}

const UNPAID_LIMIT = 30

/** The rate limit binding, but exact: so many for each key in each minute from its first. */
export function createUnpaidLimit(): RateLimit {
  const seen = new Map<string, { count: number; until: number }>()
  return {
    async limit({ key }) {
      const now = Date.now()
      const known = seen.get(key)
      const window = known && known.until > now ? known : { count: 0, until: now + 60_000 }
      window.count += 1
      seen.set(key, window)
      return { success: window.count <= UNPAID_LIMIT }
    },
  }
}
