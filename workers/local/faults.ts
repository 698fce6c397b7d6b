import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const target = {
  op: z.enum(['verify', 'settle']),
  /** `before`: instead of the work. `after`: the work is done, its answer is lost or replaced. */
  when: z.enum(['before', 'after']).default('before'),
  /** How often; without it until the list is replaced. */
  count: z.int().positive().optional(),
}

/** What `POST /_fault` takes: the whole list of faults, in the order in which they are tried. */
export const faultsSchema = z.array(
  z.discriminatedUnion('mode', [
    z.strictObject({ ...target, mode: z.literal('500') }),
    z.strictObject({ ...target, mode: z.literal('html') }),
    z.strictObject({
      ...target,
      mode: z.literal('json'),
      body: z.json(),
      status: z.int().min(200).max(599).default(200),
    }),
    z.strictObject({ ...target, mode: z.literal('delay'), ms: z.int().nonnegative() }),
  ]),
)

export type Fault = z.infer<typeof faultsSchema>[number]

/** The faults that a server is told to show. */
export interface Faults {
  /** Puts this list in the place of the one before. */
  replace(faults: readonly Fault[]): void
  /**
   * Uses up the first fault for this moment of this operation. Resolves to the answer to give instead of the usual one,
   * or to undefined when all goes on as usual (after its time, for a delay).
   */
  strike(op: Fault['op'], when: Fault['when']): Promise<Response | undefined>
}

const HTML = '<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>'

async function answerBy(fault: Fault): Promise<Response | undefined> {
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

/** An empty list of faults. */
export function createFaults(): Faults {
  let pending: { fault: Fault; left: number }[] = []
  return {
    replace(faults) {
      pending = faults.map((fault) => ({ fault, left: fault.count ?? Number.POSITIVE_INFINITY }))
    },
    async strike(op, when) {
      const entry = pending.find(({ fault, left }) => left > 0 && fault.op === op && fault.when === when)
      if (!entry) return undefined
      entry.left -= 1
      return answerBy(entry.fault)
    },
  }
}
