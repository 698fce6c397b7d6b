import { afterEach, describe, expect, it, vi } from 'vitest'
import { MatteHosts } from '../../src/matte/hosts.ts'
import type { MatteResult, MatteService } from '../../src/matte/matte.ts'
import { tryMatte } from '../../src/matte/trial.ts'

const memory = { codecs: 1, model: 2 }
/** A deployment whose edge answers this; its Container must not be asked. */
function createHosts(cut: () => Promise<MatteResult>, readMemory = async () => memory): MatteHosts {
  const strangers: MatteService = { cut: () => expect.unreachable(), ping: () => expect.unreachable() }
  return new MatteHosts({ edge: { cut, ping: async () => {}, readMemory }, container: strangers })
}
const answer = (body: ReadableStream<Uint8Array>): MatteResult => ({
  ...{ ok: true, contentType: 'image/png', body },
  facts: { width: 1, height: 1, bbox: [0, 0, 1, 1], coverage: 1, model: 'edge-352' },
})

describe('a trial', () => {
  afterEach(() => vi.useRealTimers())

  it('asks the edge alone, and tells its model and memory', async () => {
    const trial = { result: 'ok', model: 'edge-352', milliseconds: expect.any(Number), wasmMemory: memory }
    expect(await tryMatte(createHosts(async () => answer(new Blob(['cut-out']).stream())))).toEqual(trial)
  })

  it('tells why nothing was cut out', async () => {
    const hosts = createHosts(async () => ({ ok: false, code: 'no_foreground' }))
    expect(await tryMatte(hosts)).toEqual({
      result: 'no_foreground',
      milliseconds: expect.any(Number),
      wasmMemory: memory,
    })
  })

  it('tells that the edge broke, at once or while it wrote', async () => {
    const body = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error('the place was lost')) })
    for (const cut of [() => Promise.reject(new Error('no more')), async () => answer(body)]) {
      expect(await tryMatte(createHosts(cut))).toMatchObject({ result: 'processor_unavailable' })
    }
  })

  it('ends where the edge does not, nor tells its memory', async () => {
    vi.useFakeTimers()
    const ended = vi.fn()
    const hang = () => new Promise<never>(() => {})
    void tryMatte(createHosts(hang, hang)).then(ended)
    await vi.advanceTimersByTimeAsync(64_000)
    const trial = { result: 'processor_unavailable', milliseconds: 60_000, wasmMemory: null }
    expect(ended).toHaveBeenCalledWith(trial)
  })
})
