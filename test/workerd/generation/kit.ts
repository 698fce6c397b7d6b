import { runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import { createGenerationId, type GenerationClient } from '../../../src/generation/generation.ts'
import type { Authorization, GenerationOrder } from '../../../src/generation/generation-row.ts'
import type { OutputSinks, UpstreamState } from '../../../src/generation/provider.ts'
import { resetUpstream } from './scripted-upstream.ts'

export const start = Date.parse('2040-11-27T12:00:00.000Z')
export const HOUR_MS = 60 * 60 * 1000
export const namespace = (env as unknown as { GENERATION: DurableObjectNamespace }).GENERATION

/** Times are the test's, and the upstream knows of nothing. */
export function useCleanSlate(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: start })
    resetUpstream()
  })
  afterEach(() => void vi.useRealTimers())
}

export const orderOf = (id: string, more: Partial<GenerationOrder> = {}): GenerationOrder => ({
  id,
  model: 'nano-banana-2',
  provider: 'scripted',
  servedBy: null,
  task: {
    kind: 'image',
    upstreamId: 'x',
    prompt: 'a fox',
    aspectRatio: '16:9',
    resolution: '1k',
    durationSeconds: null,
  },
  isTransparent: false,
  deadlineSeconds: 300,
  ...more,
})

/** A job that is paid for, and its alarm by hand. */
export async function begin(more: Partial<GenerationOrder> = {}, authorization: Authorization | null = null) {
  const id = createGenerationId()
  const stub = namespace.getByName(id)
  const job = stub as unknown as GenerationClient
  await job.reserve(orderOf(id, more))
  await job.begin(authorization)
  const step = () => runDurableObjectAlarm(stub)
  const read = async () => (await job.read(0))!.view
  return { id, stub, job, step, read }
}

export const give =
  (...texts: string[]) =>
  async (sinks: OutputSinks): Promise<UpstreamState> => {
    const outputs = []
    for (const text of texts) {
      const sink = await sinks.open()
      await sink.write(new TextEncoder().encode(text))
      outputs.push(sink)
    }
    return { kind: 'completed', outputs }
  }
export const says = (state: UpstreamState) => async () => state
export const running = says({ kind: 'running', operation: 'op-1', progress: null })
