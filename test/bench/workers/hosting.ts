import type { DailyCapClient } from '../../../src/hosting/daily-cap.ts'
import { type FileFacts, writeFacts } from '../../../src/hosting/hosted-file.ts'
import type { UploadTokenClient } from '../../../src/hosting/upload-token.ts'
import app, * as gateway from '../../../src/index.ts'

export const { DailyCap, IdempotencyKey, PaymentLedger, Standing, UploadToken } = gateway

/** `FILES` is a folder on disk that the runtime itself serves, as it does R2's bytes: no script touches them. */
type GivenEnv = Env & { FILES: Fetcher }

const facts: FileFacts = {
  tier: 'free',
  expiresAt: Date.parse('2100-01-01'),
  lifeSeconds: 604_800,
  deletion: '',
  picture: null,
  hashes: [],
  provisionalUntil: null,
  isTakenDown: false,
}

/** The one object that there is, from disk; what is put is forgotten: R2 is a service of its own. */
const createStorage = ({ FILES }: GivenEnv) => ({
  async get(key: string) {
    const { body, headers } = await FILES.fetch('http://files/object')
    const size = Number(headers.get('content-length'))
    const httpMetadata = { contentType: 'image/png' }
    return { key, size, body, httpEtag: '"etag"', httpMetadata, customMetadata: writeFacts(facts) }
  },
  put: async () => null,
  head: async () => null,
  delete: async () => {},
})

/** Takes so many slots, 50 at a time, for a hundred clients. */
async function takeSlots({ DAILY_CAP }: GivenEnv, count: number): Promise<number> {
  const day = DAILY_CAP.getByName(crypto.randomUUID()) as unknown as DailyCapClient
  const limits = { perClient: 1_000_000, inAll: count / 2 }
  let given = 0
  for (let at = 0; at < count; at += 50) {
    const batch = Array.from({ length: 50 }, (_, i) => day.take(`198.51.100.${(at + i) % 100}`, limits))
    for (const { isFree } of await Promise.all(batch)) given += isFree ? 1 : 0
  }
  return given
}

let whole: Env | undefined

export default {
  async fetch(request: Request, given: Env, context: ExecutionContext): Promise<Response> {
    const env = given as GivenEnv
    const { pathname, searchParams } = new URL(request.url)
    whole ??= { ...env, STORAGE: createStorage(env) } as unknown as Env
    if (pathname === '/bare') {
      const { body } = (await whole.STORAGE.get('object'))!
      return new Response(body, { headers: { 'Content-Type': 'image/png' } })
    }
    if (pathname === '/slots') return Response.json(await takeSlots(env, Number(searchParams.get('count'))))
    if (pathname === '/token') {
      const name = crypto.randomUUID().replaceAll('-', '').slice(0, 20)
      const state = await (env.UPLOAD_TOKEN.getByName(name) as unknown as UploadTokenClient).issue()
      return new Response(state.kind === 'unspent' ? name + state.secret : 'spent')
    }
    return app.fetch(request, whole, context)
  },
}
