import { Hono } from 'hono'
import type { MatteFailure } from '../../src/matte/matte.ts'
import { serveLocally } from '../../workers/local/loopback.ts'

/**
 * Where the stand-ins in the gateway's process wait for the test: before they work, before they collect, before a
 * job begins, and once R2 has a hosted file.
 */
export type Step = 'work' | 'settle' | 'begin' | 'stored'
export type Verdict = { readonly ok: true } | MatteFailure

/** The next visit of a step, which waits for the test. */
export interface Hold {
  /** Resolves when the gateway is there. */
  readonly reached: Promise<void>
  /** Resolves when the gateway has left without a verdict. */
  readonly abandoned: Promise<void>
  go(verdict?: Verdict): void
}

/** What the gateway's stand-ins talk to. It lives in the test's process, so it survives the gateway's. */
export interface Control {
  readonly url: string
  /** How often a step was reached so far. */
  count(step: Step): number
  /** Makes the next visit of a step wait. */
  hold(step: Step): Hold
  /** Makes the next work fail. */
  failWork(failure?: Omit<MatteFailure, 'ok'>): void
  /** Calls of R2 that fail until the test says otherwise. */
  failStorage(calls: readonly StorageCall[]): void
  /** What R2 holds: keys of objects, and how many multipart uploads are neither completed nor aborted. */
  readStorage(): { readonly keys: readonly string[]; readonly uploads: number }
  stop(): Promise<void>
}

type StorageCall = 'put' | 'get' | 'head' | 'delete' | 'list'

interface Planned {
  readonly verdict: Promise<Verdict>
  readonly reached: () => void
  readonly abandoned: () => void
}

interface Kept {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly kept: string
  readonly uploaded: string
}

function serveStorage(app: Hono): Pick<Control, 'failStorage' | 'readStorage'> {
  const objects = new Map<string, Kept>()
  let failing: readonly string[] = []
  const describe = ({ bytes, kept, uploaded }: Kept) => ({
    'X-Size': String(bytes.length),
    'X-Kept': kept,
    'X-Uploaded': uploaded,
  })
  app.use('/storage/*', async (c, next) => {
    const isList = c.req.path === '/storage'
    return failing.includes(isList ? 'list' : c.req.method.toLowerCase()) ? c.text('R2 is down', 503) : next()
  })
  app.put('/storage/:key', async (c) => {
    // R2 refuses a stream whose length it is not told.
    if (!c.req.header('content-length')) return c.text('no length', 411)
    const bytes = new Uint8Array(await c.req.arrayBuffer())
    const object = { bytes, kept: c.req.header('x-kept') ?? '{}', uploaded: new Date().toISOString() }
    objects.set(c.req.param('key'), object)
    return c.body(null, 200, describe(object))
  })
  const parts = new Map<string, Uint8Array<ArrayBuffer>[]>()
  app.put('/storage/:key/parts/:upload/:number', async (c) => {
    const { upload, number } = c.req.param()
    const all = parts.get(upload) ?? []
    all[Number(number) - 1] = new Uint8Array(await c.req.arrayBuffer())
    parts.set(upload, all)
    return c.body(null, 200)
  })
  app.put('/storage/:key/whole/:upload', (c) => {
    const { upload, key } = c.req.param()
    const all = parts.get(upload) ?? []
    const [first] = all
    // As R2 wants them: alike but for the last, and none of the others below 5 MiB.
    const isSound = first && all.slice(0, -1).every(({ length }) => length === first.length && length >= 5 << 20)
    if (!isSound) return c.text('unequal or small parts', 400)
    const object = { bytes: new Uint8Array(Buffer.concat(all)), kept: '{}', uploaded: new Date().toISOString() }
    parts.delete(upload)
    objects.set(key, object)
    return c.body(null, 200, describe(object))
  })
  app.delete('/storage/:key/parts/:upload', (c) => {
    parts.delete(c.req.param('upload'))
    return c.body(null, 200)
  })
  app.get('/storage/:key', (c) => {
    const object = objects.get(c.req.param('key'))
    return object ? c.body(object.bytes, 200, describe(object)) : c.notFound()
  })
  app.delete('/storage/:key', (c) => {
    objects.delete(c.req.param('key'))
    return c.body(null, 200)
  })
  app.get('/storage', (c) => {
    const { prefix = '', cursor = '', limit = '1000' } = c.req.query()
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > cursor).sort()
    const page = keys.slice(0, Number(limit))
    const found = page.map((key) => {
      const { bytes, kept, uploaded } = objects.get(key)!
      return { key, size: bytes.length, uploaded, ...JSON.parse(kept) }
    })
    return c.json({ objects: found, next: page.length < keys.length ? page.at(-1) : '' })
  })
  return {
    failStorage: (calls) => {
      failing = calls
    },
    readStorage: () => ({ keys: [...objects.keys()], uploads: parts.size }),
  }
}

/** Starts the control server on loopback. Without a plan every step is passed at once, and R2 works. */
export async function startControl(): Promise<Control> {
  const app = new Hono()
  const plans: Record<Step, Planned[]> = { work: [], settle: [], begin: [], stored: [] }
  const counts: Record<Step, number> = { work: 0, settle: 0, begin: 0, stored: 0 }

  app.get('/steps/:step{work|settle|begin|stored}', async (c) => {
    const step = c.req.param('step') as Step
    counts[step] += 1
    const visit = counts[step]
    const plan = plans[step].shift()
    if (!plan) return c.json({ ok: true, visit })
    c.req.raw.signal.addEventListener('abort', plan.abandoned)
    plan.reached()
    return c.json({ ...(await plan.verdict), visit })
  })
  const storage = serveStorage(app)
  const server = await serveLocally(app.fetch, { port: 0 })

  return {
    url: server.url,
    count: (step) => counts[step],
    hold(step) {
      const verdict = Promise.withResolvers<Verdict>()
      const reached = Promise.withResolvers<void>()
      const abandoned = Promise.withResolvers<void>()
      plans[step].push({ verdict: verdict.promise, reached: reached.resolve, abandoned: abandoned.resolve })
      const go = (given: Verdict = { ok: true }) => verdict.resolve(given)
      return { reached: reached.promise, abandoned: abandoned.promise, go }
    },
    failWork(failure = { code: 'processing_failed' }) {
      const nothing = () => {}
      plans.work.push({ verdict: Promise.resolve({ ok: false, ...failure }), reached: nothing, abandoned: nothing })
    },
    ...storage,
    stop: server.stop,
  }
}
