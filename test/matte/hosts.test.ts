import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { ImageHeader } from '../../src/images/facts.ts'
import type { HostName } from '../../src/matte/choose-host.ts'
import { MatteHosts } from '../../src/matte/hosts.ts'
import type { MatteFailure, MatteResult, MatteService } from '../../src/matte/matte.ts'
import { defaultMatteOptions } from '../../src/matte/options.ts'

const facts = { width: 1, height: 1, bbox: [0, 0, 1, 1], coverage: 1 } as const
const png = (width: number, height: number): ImageHeader => ({
  ...({ format: 'png', width, height, orientation: 1, profile: 'none', animated: false } as const),
  ...{ bitDepth: 8, colourType: 2, interlaced: false },
})

type Answer = (mostDoubt?: number) => Promise<MatteResult>
const works =
  (model: string): Answer =>
  async () => ({
    ...{ ok: true, contentType: 'image/png', facts: { ...facts, model }, body: new ReadableStream() },
  })
const fails =
  (failure: Omit<MatteFailure, 'ok'>): Answer =>
  async () => ({ ok: false, ...failure })
const breaks: Answer = () => Promise.reject(new Error('the network connection was lost'))

/** Hosts that answer as a test says; `asked` is who was. */
function createHosts(answers: Partial<Record<HostName, Answer>>, ping = async (): Promise<void> => {}, mostDoubt = 1) {
  const asked: string[] = []
  const opened: number[] = []
  const serve = (name: HostName): MatteService => ({
    cut: async (image, _bytes, _format, _options, mostDoubt) => {
      asked.push(mostDoubt === undefined ? name : `${name} ${mostDoubt}`)
      await image.cancel()
      return answers[name]!(mostDoubt)
    },
    ping: async () => {
      asked.push(`ping ${name}`)
      return ping()
    },
  })
  const services = Object.fromEntries((Object.keys(answers) as HostName[]).map((name) => [name, serve(name)]))
  const hosts = new MatteHosts(services, [], mostDoubt)
  const open = async () => {
    opened.push(asked.length)
    return new ReadableStream<Uint8Array>()
  }
  const run = async (pixels = 10, options = defaultMatteOptions) => {
    const chosen = hosts.choose(png(pixels, pixels), options)
    await hosts.assertUp(chosen)
    return hosts.cut(chosen, { format: 'png', size: 1, open }, options)
  }
  return { asked, opened, hosts, run }
}

describe('the edge', () => {
  it('that has no room: the Container is asked once, with the body from its beginning', async () => {
    const { asked, opened, run } = createHosts({
      edge: fails({ code: 'processor_unavailable', retryAfter: 3 }),
      container: works('isnet-1024'),
    })
    expect(await run()).toMatchObject({ ok: true, facts: { model: 'isnet-1024' } })
    expect([asked, opened]).toEqual([
      ['edge', 'container'],
      [0, 1],
    ])
  })

  it('that breaks: the Container is asked', async () => {
    const { run } = createHosts({ edge: breaks, container: works('isnet-1024') })
    expect(await run()).toMatchObject({ ok: true })
  })

  it('that does not take the picture after all: the Container is asked', async () => {
    const { run } = createHosts({
      edge: fails({ code: 'invalid_image', message: 'in a profile', tryElsewhere: true }),
      container: works('isnet-1024'),
    })
    expect(await run()).toMatchObject({ ok: true })
  })

  it.each(['invalid_image', 'no_foreground', 'processing_failed'] as const)(
    'that says %s is believed',
    async (code) => {
      const { asked, run } = createHosts({ edge: fails({ code }), container: works('isnet-1024') })
      expect(await run()).toMatchObject({ ok: false, code })
      expect(asked).toEqual(['edge'])
    },
  )

  it('that has no room: its failure is the answer where there is no other', async () => {
    const { run } = createHosts({ edge: fails({ code: 'processor_unavailable', retryAfter: 3 }) })
    expect(await run()).toEqual({ ok: false, code: 'processor_unavailable', retryAfter: 3 })
  })

  it('that has no room either when the Container is down: 503', async () => {
    const { asked, run } = createHosts({ edge: fails({ code: 'processor_unavailable' }), container: breaks })
    expect(await run()).toMatchObject({ ok: false, code: 'processor_unavailable' })
    expect(asked).toEqual(['edge', 'container'])
  })

  it('works though the Container is down, which nobody asks', async () => {
    const { asked, run } = createHosts({ edge: works('edge-352'), container: breaks }, () => Promise.reject())
    expect(await run()).toMatchObject({ ok: true })
    expect(asked).toEqual(['edge'])
  })
})

describe('an edge that is unsure of what it sees', () => {
  const unsure = fails({ code: 'processor_unavailable', isUnsure: true })
  /** The edge when it may be unsure, and when it may not. */
  const doubting = (sure: Answer) => (mostDoubt?: number) => (mostDoubt === undefined ? sure() : unsure())
  const edge = doubting(works('edge'))

  const cascade = (answers: Parameters<typeof createHosts>[0], ping?: () => Promise<void>) =>
    createHosts(answers, ping, 0.2)

  it('with quality=auto: the Container is asked, once it is seen to be there', async () => {
    const { asked, run } = cascade({ edge, container: works('isnet-1024') })
    expect(await run()).toMatchObject({ ok: true, facts: { model: 'isnet-1024' } })
    expect(asked).toEqual(['edge 0.2', 'ping container', 'container'])
  })

  it('is believed where there is no Container, and with quality=fast', async () => {
    const alone = cascade({ edge })
    expect(await alone.run()).toMatchObject({ facts: { model: 'edge' } })
    const fast = cascade({ edge, container: works('isnet-1024') })
    expect(await fast.run(10, { ...defaultMatteOptions, quality: 'fast' })).toMatchObject({ facts: { model: 'edge' } })
    expect([alone.asked, fast.asked]).toEqual([['edge'], ['edge']])
  })

  it.each([
    ['is down', works('isnet-1024'), () => Promise.reject()],
    ['breaks', breaks, async () => {}],
    ['has no room', fails({ code: 'processor_unavailable', retryAfter: 9 }), async () => {}],
    ['fails', fails({ code: 'processing_failed' }), async () => {}],
  ] as const)('is believed when the Container %s', async (_, container, ping) => {
    const { asked, run } = cascade({ edge, container }, ping)
    expect(await run()).toMatchObject({ ok: true, facts: { model: 'edge' } })
    expect(asked.at(-1)).toBe('edge')
  })

  it('is believed at once while the Container says that it has no room, and asks it when it has', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    let isFull = true
    const container: Answer = (mostDoubt) =>
      isFull ? fails({ code: 'processor_unavailable', retryAfter: 9 })(mostDoubt) : works('isnet-1024')(mostDoubt)
    const { asked, run } = cascade({ edge, container })
    await run()
    expect(asked.splice(0)).toEqual(['edge 0.2', 'ping container', 'container', 'edge'])
    // What is busy waits half a minute for room before it says so.
    expect(await run()).toMatchObject({ ok: true, facts: { model: 'edge' } })
    expect(asked.splice(0)).toEqual(['edge'])
    isFull = false
    vi.advanceTimersByTime(10_000)
    expect(await run()).toMatchObject({ ok: true, facts: { model: 'isnet-1024' } })
  })

  it('is not believed against a Container that sees nothing', async () => {
    const { run } = cascade({ edge, container: fails({ code: 'no_foreground' }) })
    expect(await run()).toMatchObject({ ok: false, code: 'no_foreground' })
  })

  it('that sees nothing: the Container may see something, and without it there is nothing', async () => {
    const nothing = fails({ code: 'no_foreground', isUnsure: true })
    const blind = (mostDoubt?: number) => (mostDoubt === undefined ? fails({ code: 'no_foreground' })() : nothing())
    const two = cascade({ edge: blind, container: works('isnet-1024') })
    expect(await two.run()).toMatchObject({ ok: true, facts: { model: 'isnet-1024' } })
    const one = cascade({ edge: blind, container: breaks })
    expect(await one.run()).toMatchObject({ ok: false, code: 'no_foreground' })
  })
})

describe('a picture whose size is not known yet', () => {
  /** What comes of it when the Container answers, or does not. */
  async function cutUnknown(edge: Answer, isUp: boolean) {
    const ping = async () => {
      if (!isUp) throw new Error('no answer')
    }
    const { asked, hosts } = createHosts({ edge, container: works('isnet-1024') }, ping)
    const chosen = hosts.choose(null, defaultMatteOptions)
    await hosts.assertUp(chosen)
    const open = async () => new ReadableStream<Uint8Array>()
    const result = await hosts.cut(chosen, { format: 'png', size: 1, open }, defaultMatteOptions)
    return { result, asked }
  }

  it('is the Container’s', async () => {
    const { result, asked } = await cutUnknown(works('edge-352'), true)
    expect([result.ok, asked.at(-1)]).toEqual([true, 'container'])
  })

  it('is the edge’s while the Container is down: what fits it still works', async () => {
    const { result, asked } = await cutUnknown(works('edge-352'), false)
    expect([result.ok, asked.at(-1)]).toEqual([true, 'edge'])
  })

  it('and then does not fit the edge: 503, since the Container would take it', async () => {
    const refusal = fails({ code: 'invalid_image', message: 'too large', tryElsewhere: true })
    expect((await cutUnknown(refusal, false)).result).toMatchObject({ ok: false, code: 'processor_unavailable' })
  })
})

describe('in time', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('an edge that was full is asked last for as long as it said, and then first again', async () => {
    const { asked, run } = createHosts({
      edge: fails({ code: 'processor_unavailable', retryAfter: 3 }),
      container: works('isnet-1024'),
    })
    await run()
    await run()
    expect(asked.splice(0)).toEqual(['edge', 'container', 'ping container', 'container'])
    await vi.advanceTimersByTimeAsync(3_000)
    await run()
    expect(asked).toEqual(['edge', 'container'])
  })

  it('a Container that does not answer is 503 before anybody pays, and is looked at again after 5 seconds', async () => {
    let isDown = true
    const { asked, run } = createHosts({ edge: works('edge-352'), container: works('isnet-1024') }, async () => {
      if (isDown) throw new Error('no answer')
    })
    await expect(run(5000)).rejects.toMatchObject({ code: 'processor_unavailable', options: { retryAfter: 10 } })
    await expect(run(5000)).rejects.toMatchObject({ code: 'processor_unavailable' })
    expect(asked).toEqual(['ping container'])
    isDown = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await run(5000)).toMatchObject({ ok: true })
  })

  it('a Container that hangs is down after 4 seconds', async () => {
    const { run } = createHosts({ edge: works('edge-352'), container: works('x') }, () => new Promise(() => {}))
    const end = expect(run(5000)).rejects.toMatchObject({ code: 'processor_unavailable' })
    await vi.advanceTimersByTimeAsync(4_000)
    await end
  })

  it('a Container that hangs after an unsure edge is not waited for, and what comes late is let go', async () => {
    const canceled = vi.fn()
    const body = new ReadableStream<Uint8Array>({ cancel: canceled })
    const late = Promise.withResolvers<MatteResult>()
    const edge = (mostDoubt?: number) =>
      (mostDoubt === undefined ? works('edge-352') : fails({ code: 'processor_unavailable', isUnsure: true }))()
    const { run } = createHosts({ edge, container: () => late.promise }, async () => {}, 0.2)
    const ended = vi.fn()
    void run().then(ended)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ended).toHaveBeenCalledWith(expect.objectContaining({ facts: { ...facts, model: 'edge-352' } }))
    late.resolve({ ok: true, contentType: 'image/png', facts: { ...facts, model: 'isnet-1024' }, body })
    await vi.advanceTimersByTimeAsync(0)
    expect(canceled).toHaveBeenCalled()
  })

  it('an edge that took 20 seconds to say no leaves no time for another', async () => {
    const slow: Answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 20_000))
      return { ok: false, code: 'processor_unavailable' }
    }
    const { asked, run } = createHosts({ edge: slow, container: works('isnet-1024') })
    const end = run()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await end).toMatchObject({ ok: false })
    expect(asked).toEqual(['edge'])
  })
})

describe('a deployment', () => {
  it('lets callers choose of the operator’s models where it has a Container, and else of none', () => {
    const serve: MatteService = { cut: () => breaks(), ping: async () => {} }
    expect(new MatteHosts({ edge: serve, container: serve }, ['isnet-1024']).models).toEqual(['isnet-1024'])
    expect(new MatteHosts({ edge: serve, container: serve }).models).toEqual([])
    expect(new MatteHosts({ edge: serve }, ['isnet-1024']).models).toEqual([])
  })

  it('has the pixel limit of its largest host', () => {
    expect(createHosts({ edge: breaks }).hosts.pixelLimit('png')).toBe(4_000_000)
    expect(createHosts({ edge: breaks, container: breaks }).hosts.pixelLimit('webp')).toBe(100_000_000)
  })
})
