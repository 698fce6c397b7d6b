import { GenerationJob } from '../../../src/generation/generation-object.ts'
import type { Authorization, GenerationError, GenerationRow } from '../../../src/generation/generation-row.ts'
import type { Collected } from '../../../src/generation/job.ts'
import { BadOutput, type OutputStore, type StoredOutput } from '../../../src/generation/output-store.ts'
import type { OutputSinks, UpstreamState } from '../../../src/generation/provider.ts'

type Answer = (sinks: OutputSinks) => Promise<UpstreamState>

async function cutOut(output: StoredOutput): Promise<StoredOutput | GenerationError | null> {
  return { ...output, reference: 'cut', type: 'image/png' }
}

/** What the upstream answers, and what was asked and kept. Tests set it. */
export const upstream = {
  start: [] as Answer[],
  poll: [] as Answer[],
  asked: [] as string[],
  stored: [] as string[],
  aborted: 0,
  kept: [] as string[],
  /** What collecting a payment comes to, in turn; the last one stays. */
  collected: [] as Collected[],
  collecting: [] as Authorization[],
  /** Payments that were given back, and whether the request was why. */
  givenBack: [] as [Authorization, boolean][],
  /** The receipt of a payment that cannot be given back. */
  paidAnyway: null as GenerationRow['receipt'],
  /** Calls of the store that fail. */
  failing: new Set<'finish' | 'bad' | 'keep' | 'give-back'>(),
  cut: cutOut,
}

/** Forgets all of that. */
export function resetUpstream(): void {
  Object.assign(upstream, { start: [], poll: [], asked: [], stored: [], aborted: 0, kept: [] })
  Object.assign(upstream, {
    collected: [{ kind: 'settled', receipt: [] }],
    collecting: [],
    givenBack: [],
    paidAnyway: null,
    cut: cutOut,
  })
  upstream.failing.clear()
}

const outputs: OutputStore = {
  async open({ width, height }) {
    let text = ''
    return {
      async write(bytes) {
        text += new TextDecoder().decode(bytes)
      },
      async finish() {
        if (upstream.failing.has('finish')) throw new Error('R2 is down')
        if (upstream.failing.has('bad')) throw new BadOutput('an output is html')
        upstream.stored.push(text)
        return { reference: text, url: `https://i.test/${text}`, type: 'image/jpeg', width, height, sha256: text }
      },
      async abort() {
        upstream.aborted += 1
      },
    }
  },
  async keep({ reference }) {
    if (upstream.failing.has('keep')) throw new Error('R2 is down')
    upstream.kept.push(reference)
  },
  read: async () => null,
}

const answer = async (name: 'start' | 'poll', sinks: OutputSinks): Promise<UpstreamState> => {
  upstream.asked.push(name)
  const next = upstream[name].shift()
  if (!next) throw new Error(`nobody expected ${name}`)
  return next(sinks)
}

/** The real job over that upstream. */
export class TestGeneration extends GenerationJob {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, {
      outputs,
      openProvider: (name) =>
        name === 'gone'
          ? null
          : {
              name,
              start: (_, sinks) => answer('start', sinks),
              poll: (_operation, _task, sinks) => answer('poll', sinks),
            },
      cutOut: (output) => upstream.cut(output),
      payments: {
        async collect(authorization) {
          upstream.collecting.push(authorization)
          return upstream.collected.length > 1 ? upstream.collected.shift()! : upstream.collected[0]!
        },
        async giveBack(authorization, isTheirs) {
          if (upstream.failing.has('give-back')) throw new Error('the ledger is down')
          upstream.givenBack.push([authorization, isTheirs])
          return upstream.paidAnyway
        },
      },
      sizeOf: () => ({ width: 16, height: 9 }),
    })
  }
}
