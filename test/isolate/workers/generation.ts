import { createHash } from 'node:crypto'
import type { GenerationTask, OutputSink } from '../../../src/generation/provider.ts'
import { type ProviderName, type ProviderSpec, providers } from '../../../src/generation/providers/index.ts'

interface Order {
  readonly name: ProviderName
  readonly values: Readonly<Record<string, string>>
  readonly task: GenerationTask
  readonly timeoutMs?: number
}

/** Runs a provider in workerd: the body is the order; the answer is the last state, and what its outputs are. */
export default {
  async fetch(request: Request): Promise<Response> {
    if (!request.body) return new Response(null)
    const { name, values, task, timeoutMs }: Order = await request.json()
    const spec: ProviderSpec = providers[name]
    const provider = spec.create(values, { pause: async () => undefined, ...(timeoutMs && { timeoutMs }) })
    const seen = new Map<OutputSink, { hash: ReturnType<typeof createHash>; size: number; longest: number }>()
    const sinks = {
      async open() {
        const facts = { hash: createHash('sha256'), size: 0, longest: 0 }
        const sink: OutputSink = {
          async write(bytes) {
            facts.hash.update(bytes)
            facts.size += bytes.byteLength
            facts.longest = Math.max(facts.longest, bytes.byteLength)
          },
        }
        seen.set(sink, facts)
        return sink
      },
    }
    let state = await provider.start(task, sinks)
    for (let polls = 0; state.kind === 'running' && polls < 5; polls += 1) {
      state = await provider.poll!(state.operation, task, sinks)
    }
    const outputs = (state.kind === 'completed' ? state.outputs : []).map((sink) => {
      const { hash, size, longest } = seen.get(sink)!
      return { sha256: hash.digest('hex'), size, longest }
    })
    return Response.json({ state: { ...state, outputs: undefined }, outputs })
  },
}
