import { setTimeout as sleep } from 'node:timers/promises'
import type { Hono } from 'hono'
import { z } from 'zod'

/** When a fault strikes, and how often. */
export const faultTiming = {
  /** `before`: instead of the work. `after`: the work is done, its answer is lost or replaced. */
  when: z.enum(['before', 'after']).default('before'),
  /** How often; without it until the list is replaced. */
  count: z.int().positive().optional(),
}

/** The modes that every server knows, which spoil the HTTP answer. `target` names what they strike. */
export const describeHttpFaults = <Target extends z.ZodRawShape>(target: Target) =>
  [
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('500') }),
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('html') }),
    z.strictObject({
      ...target,
      ...faultTiming,
      mode: z.literal('json'),
      body: z.json(),
      status: z.int().min(200).max(599).default(200),
    }),
    z.strictObject({ ...target, ...faultTiming, mode: z.literal('delay'), ms: z.int().nonnegative() }),
  ] as const

type HttpFault = z.infer<ReturnType<typeof describeHttpFaults<Record<never, never>>>[number]>

/** What all faults have in common. */
interface Fault {
  readonly when: 'before' | 'after'
  readonly count?: number | undefined
}

/** The faults that a server is told to show. */
export interface Faults<Kind extends Fault> {
  /** Puts this list in the place of the one before. */
  replace(faults: readonly Kind[]): void
  /** Uses up the first fault for this moment that strikes; undefined when all goes on as usual. */
  take(when: Fault['when'], strikes: (fault: Kind) => boolean): Kind | undefined
}

/** An empty list of faults. */
export function createFaults<Kind extends Fault>(): Faults<Kind> {
  let pending: { fault: Kind; left: number }[] = []
  return {
    replace(faults) {
      pending = faults.map((fault) => ({ fault, left: fault.count ?? Number.POSITIVE_INFINITY }))
    },
    take(when, strikes) {
      const entry = pending.find(({ fault, left }) => left > 0 && fault.when === when && strikes(fault))
      if (!entry) return undefined
      entry.left -= 1
      return entry.fault
    },
  }
}

const HTML = '<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>'

/**
 * Resolves to the answer to give instead of the usual one, or to undefined when all goes on as usual (after its time,
 * for a delay).
 */
export async function showHttpFault(fault: HttpFault): Promise<Response | undefined> {
  switch (fault.mode) {
    case '500':
      return new Response('Internal Server Error', { status: 500 })
    case 'html':
      return new Response(HTML, { headers: { 'Content-Type': 'text/html; charset=utf-8' } })
    case 'json':
      return Response.json(fault.body, { status: fault.status })
    case 'delay':
      // A delay that nobody waits for any more must not keep the process alive.
      await sleep(fault.ms, undefined, { ref: false })
      return undefined
  }
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json()
  } catch {
    return undefined
  }
}

/** Serves `POST /_fault`: the whole list of faults, in the order in which they are tried. No such list: 400. */
export function serveFaultHook<Kind extends Fault>(app: Hono, schema: z.ZodType<Kind>, faults: Faults<Kind>): void {
  app.post('/_fault', async (c) => {
    const list = z.array(schema).safeParse(await readJson(c.req.raw))
    if (!list.success) return Response.json({ error: z.prettifyError(list.error) }, { status: 400 })
    faults.replace(list.data)
    return Response.json({ faults: list.data.length })
  })
}
