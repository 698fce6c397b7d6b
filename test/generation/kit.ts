import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import type { GenerationTask, OutputSink, OutputSinks, Provider, UpstreamState } from '../../src/generation/provider.ts'
import { type ProviderName, type ProviderSpec, providers } from '../../src/generation/providers/index.ts'
import type { ProviderOptions } from '../../src/generation/providers/options.ts'
import { startUpstreams, type Upstreams, type UpstreamsOptions } from '../../workers/local/upstreams/index.ts'
import type { UpstreamFault, UpstreamLogEntry } from '../../workers/local/upstreams/simulator.ts'

/** Sinks that remember what they were given, and how. */
export function createSinks() {
  const opened: { pieces: Uint8Array[] }[] = []
  const held = new Map<OutputSink, Uint8Array[]>()
  const sinks: OutputSinks = {
    async open() {
      const pieces: Uint8Array[] = []
      const sink: OutputSink = {
        async write(bytes) {
          pieces.push(bytes)
        },
      }
      opened.push({ pieces })
      held.set(sink, pieces)
      return sink
    },
  }
  return {
    sinks,
    opened,
    /** The bytes of a state's outputs. */
    read: (state: UpstreamState): Buffer[] =>
      state.kind === 'completed' ? state.outputs.map((sink) => Buffer.concat(held.get(sink)!)) : [],
  }
}

/** Pauses between attempts take no time. */
export const hasty: ProviderOptions = { pause: async () => undefined }

export function createProvider(
  name: ProviderName,
  values: Readonly<Record<string, string>>,
  options: ProviderOptions = hasty,
): Provider {
  const spec: ProviderSpec = providers[name]
  return spec.create(values, options)
}

/** A task, and its outputs: a provider's `start`, and its `poll` until it is something else than `running`. */
export async function generate(provider: Provider, task: GenerationTask) {
  const kept = createSinks()
  let state = await provider.start(task, kept.sinks)
  const first = state
  for (let polls = 0; state.kind === 'running' && polls < 5; polls += 1) {
    state = await provider.poll!(state.operation, task, kept.sinks)
  }
  return { first, state, outputs: kept.read(state), opened: kept.opened }
}

/** A fault as a test writes it down: what has a default may be left out. */
export type Fault = { op: UpstreamFault['op']; mode: UpstreamFault['mode']; [detail: string]: unknown }

/**
 * Runs the simulators for the tests of a file, without faults before each; what is reported to the operator is kept.
 */
export function useUpstreams(options: UpstreamsOptions = {}) {
  let upstreams: Upstreams
  const reported: string[] = []
  const setFaults = async (...faults: Fault[]) => {
    const response = await fetch(`${upstreams.url}/_fault`, { method: 'POST', body: JSON.stringify(faults) })
    expect(await response.json()).toEqual({ faults: faults.length })
  }
  const readLog = async () => (await (await fetch(`${upstreams.url}/_log`)).json()) as UpstreamLogEntry[]
  beforeAll(async () => {
    upstreams = await startUpstreams(options)
  })
  afterAll(() => upstreams.stop())
  beforeEach(() => {
    reported.length = 0
    vi.spyOn(console, 'error').mockImplementation((line) => {
      reported.push(String(line))
    })
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await setFaults()
  })
  return {
    get url() {
      return upstreams.url
    },
    get values() {
      return upstreams.values
    },
    reported,
    setFaults,
    /** What the simulators were asked while this ran. */
    async watch(work: () => Promise<unknown>): Promise<UpstreamLogEntry[]> {
      const before = (await readLog()).length
      await work()
      return (await readLog()).slice(before)
    },
  }
}
