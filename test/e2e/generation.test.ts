import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { createCaller, createPayer, decode, measureIncome, readReceipt, sign, stack, v1, v2 } from './kit.ts'
import { steal } from './kit-chain.ts'
import { get, readError, replay } from './kit-hosting.ts'

const IMAGES = '/v1/images/generate'
const VIDEOS = '/v1/videos/generate'
const NICKEL = 50_000n
const fox = { model: 'nano-banana-2', prompt: 'a red fox in the snow', aspect_ratio: '16:9' }

interface Job {
  readonly id: string
  readonly model: string
  readonly served_by?: string
  readonly status: string
  readonly progress: number
  readonly output: readonly { url: string; type: string; width: number; height: number; sha256: string }[]
}
const ask = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}, type = 'application/json') =>
  fetch(stack.gateway + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...createCaller(), 'Content-Type': type, ...headers },
  })
const read = (id: string, query = '', method = 'GET') =>
  fetch(`${stack.gateway}/v1/generations/${id}${query}`, { method })
const jobOf = async (answer: Response): Promise<Job> => (await answer.json()) as Job
const pay = async (value = NICKEL) => v2(await sign(await createPayer(value), { value }))
async function priceOf(path: string, body: unknown): Promise<string | undefined> {
  const answer = await ask(path, body)
  const required = decode<{ accepts: { amount: string }[] }>(answer.headers.get('payment-required'))
  return required.accepts[0]?.amount
}

/** Waits for the end of a job. */
async function finish(id: string): Promise<Job> {
  for (;;) {
    const job = await jobOf(await read(id, '?wait=20'))
    if (job.status !== 'pending' && job.status !== 'processing') return job
  }
}

describe('POST /v1/images/generate', () => {
  it('costs $0.05; more where more is asked for: 4k, and a transparent background', async () => {
    expect([await priceOf(IMAGES, fox), await priceOf(IMAGES, { ...fox, resolution: '4K' })]).toEqual([
      '50000',
      '120000',
    ])
    expect(await priceOf(IMAGES, { ...fox, background: 'transparent' })).toBe('100000')
  })

  it('is not sold for the challenge of a cheaper request', async () => {
    const asked = await ask(IMAGES, fox)
    const { accepts } = decode<{ accepts: { extra: object }[] }>(asked.headers.get('payment-required'))
    const echoed = v2(await sign(await createPayer()), { extra: accepts[0]!.extra })
    const [nothing, refused] = await measureIncome(() => ask(IMAGES, { ...fox, background: 'transparent' }, echoed))
    expect([refused.status, nothing]).toEqual([402, 0n])
    expect((await ask(IMAGES, fox, echoed)).status).toBe(202)
  })

  it('accepts a job for one payment, and gives it and its present state to the same payment again', async () => {
    const payment = await sign(await createPayer())
    const client = createCaller()
    const [income, first] = await measureIncome(() => ask(IMAGES, fox, { ...v2(payment), ...client }))
    const job = await jobOf(first)
    expect([first.status, income, readReceipt(first).success, replay(first)]).toEqual([202, NICKEL, true, null])
    expect(job).toMatchObject({
      id: expect.stringMatching(/^gen_[\da-f]{32}$/),
      model: 'nano-banana-2',
      served_by: 'local-preview',
      status: 'pending',
      progress: 0,
      output: [],
    })
    expect(first.headers.get('location')).toBe(`${stack.publicUrl}/v1/generations/${job.id}`)
    expect([first.headers.get('retry-after'), first.headers.get('cache-control')]).toEqual(['2', 'private, no-store'])
    const done = await finish(job.id)
    expect([done.status, done.progress]).toEqual(['completed', 100])
    const reordered = `{"aspect_ratio": "landscape",\n"prompt": ${JSON.stringify(fox.prompt)}, "model": "nano-banana-2"}`
    const [nothing, again] = await measureIncome(() => ask(IMAGES, reordered, { ...v1(payment), ...client }))
    expect([again.status, replay(again), nothing, await jobOf(again)]).toEqual([202, 'true', 0n, done])
    const other = await ask(IMAGES, { ...fox, prompt: 'a blue fox' }, { ...v2(payment), ...client })
    expect([other.status, (await readError(other)).error]).toEqual([409, 'payment_already_used'])
  })

  it('serves its output from our own files, as it says', async () => {
    const { id } = await jobOf(await ask(IMAGES, { ...fox, prompt: 'a lighthouse' }, await pay()))
    const [output] = (await finish(id)).output
    const served = await get(output!)
    const bytes = Buffer.from(await served.arrayBuffer())
    const { width, height } = await sharp(bytes).metadata()
    expect({
      type: served.headers.get('content-type'),
      width,
      height,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }).toEqual({
      type: output!.type,
      width: output!.width,
      height: output!.height,
      sha256: output!.sha256,
    })
    expect(Math.abs(width! / height! - 16 / 9)).toBeLessThan(0.03)
    expect(served.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  })

  it('gives two prompts two pictures, and the same prompt the same', async () => {
    const make = async (prompt: string) => {
      const { id } = await jobOf(await ask(IMAGES, { model: 'seedream-4.0', prompt, aspect_ratio: '1:1' }, await pay()))
      return (await finish(id)).output[0]!.sha256
    }
    const [one, same, other] = [await make('a cup'), await make('a cup'), await make('a chair')]
    expect([one === same, one === other]).toEqual([true, false])
  })

  it('removes the background in the same payment: output holds both', async () => {
    const [income, answer] = await measureIncome(async () =>
      ask(IMAGES, { ...fox, prompt: 'a green bottle', background: 'transparent' }, await pay(2n * NICKEL)),
    )
    const { status, output } = await finish((await jobOf(answer)).id)
    expect([income, status, output.map(({ type }) => type)]).toEqual([
      2n * NICKEL,
      'completed',
      ['image/png', 'image/png'],
    ])
    const cutOut = Buffer.from(await (await get(output[1]!)).arrayBuffer())
    expect((await sharp(cutOut).stats()).channels[3]?.min).toBe(0)
  })

  it('gives a stranger with the payment and the prompt no id', async () => {
    const first = await ask(IMAGES, fox, await pay())
    const stolen = await steal(readReceipt(first).transaction)
    for (const headers of [v2(stolen), v1(stolen)]) {
      const answer = await ask(IMAGES, fox, headers)
      const text = await answer.text()
      expect([answer.status, text.includes('gen_')]).toEqual([409, false])
    }
  })

  it('of two prompts for one payment at the same time accepts one', async () => {
    const headers = { ...(await pay()), ...createCaller() }
    const [income, answers] = await measureIncome(() =>
      Promise.all(['a lamp', 'a chair'].map((prompt) => ask(IMAGES, { ...fox, prompt }, headers))),
    )
    expect([answers.map(({ status }) => status).sort(), income]).toEqual([[202, 409], NICKEL])
  })

  it('answers an Idempotency-Key with the same job, paid or not, charged once', async () => {
    const key = { 'Idempotency-Key': `generate-${crypto.randomUUID()}` }
    const [income, jobs] = await measureIncome(async () => {
      const answers = [
        await ask(IMAGES, fox, { ...(await pay()), ...key }),
        await ask(IMAGES, fox, { ...(await pay()), ...key }),
      ]
      answers.push(await ask(IMAGES, fox, key))
      return Promise.all(answers.map(jobOf))
    })
    expect([new Set(jobs.map(({ id }) => id)).size, income]).toEqual([1, NICKEL])
  })

  it.each([
    [{ ...fox, model: 'dall-e' }, 'model'],
    [{ ...fox, model: 'veo-3.1-fast' }, 'model'],
    [{ prompt: 'x' }, 'model'],
    [{ model: fox.model }, 'prompt'],
    [{ ...fox, prompt: '' }, 'prompt'],
    [{ ...fox, prompt: 'x'.repeat(4001) }, 'prompt'],
    [{ ...fox, prompt: 7 }, 'prompt'],
    [{ ...fox, aspect_ratio: '7:3' }, 'aspect_ratio'],
    [{ ...fox, resolution: '9k' }, 'resolution'],
    [{ ...fox, background: 'blue' }, 'background'],
    [{ ...fox, colour: 'red' }, 'colour'],
    [['a fox'], 'model'],
  ])('refuses %j before it is paid for, naming %s', async (body, field) => {
    const answer = await ask(IMAGES, body)
    const { error, message } = await readError(answer)
    expect([answer.status, error]).toEqual([400, 'invalid_request'])
    expect(message).toContain(`"${field}"`)
  })

  it('takes prompts of 4,000 characters, whatever their bytes', async () => {
    for (const prompt of ['x'.repeat(4000), '日'.repeat(4000), '\u{1f98a}'.repeat(4000)]) {
      expect((await ask(IMAGES, { ...fox, prompt })).status).toBe(402)
    }
  })

  it('refuses what is not JSON, another type and more than 64 KiB', async () => {
    const answers = [
      [await ask(IMAGES, '{"model":'), 400, 'invalid_request'],
      [await ask(IMAGES, fox, {}, 'text/plain'), 415, 'unsupported_media_type'],
      [await ask(IMAGES, { ...fox, prompt: 'x'.repeat(70_000) }), 413, 'request_too_large'],
    ] as const
    for (const [answer, status, error] of answers) {
      expect([answer.status, (await readError(answer)).error]).toEqual([status, error])
    }
  })
})

describe('POST /v1/videos/generate', () => {
  it('generates a video for $0.25, served by ranges', async () => {
    const [income, answer] = await measureIncome(async () =>
      ask(VIDEOS, { model: 'veo-3.1-fast', prompt: 'waves', mode: 't2v' }, await pay(250_000n)),
    )
    expect([answer.status, income]).toEqual([202, 250_000n])
    const { status, output } = await finish((await jobOf(answer)).id)
    expect([status, output[0]?.type, output[0]?.width, output[0]?.height]).toEqual([
      'completed',
      'video/webm',
      1280,
      720,
    ])
    expect(output[0]!.url).toMatch(/\.webm$/)
    const part = await get(output[0]!, { headers: { Range: 'bytes=0-3' } })
    expect([part.status, Buffer.from(await part.arrayBuffer()).toString('hex')]).toEqual([206, '1a45dfa3'])
    expect((await get(output[0]!, {}, '?w=100')).status).toBe(400)
  }, 120_000)

  it.each([
    [{ model: 'veo-3.1-fast', prompt: 'x' }, 'mode'],
    [{ model: 'veo-3.1-fast', prompt: 'x', mode: 'i2v' }, 'mode'],
    [{ model: 'nano-banana-2', prompt: 'x', mode: 't2v' }, 'model'],
    [{ model: 'veo-3.1-fast', prompt: 'x', mode: 't2v', duration: 5 }, 'duration'],
    [{ model: 'veo-3.1-lite', prompt: 'x', mode: 't2v', resolution: '4k' }, 'resolution'],
    // The model would take it, and who stands in for it does not.
    [{ model: 'veo-3.1-fast', prompt: 'x', mode: 't2v', resolution: '1080p' }, 'resolution'],
  ])('refuses %j, naming %s', async (body, field) => {
    const answer = await ask(VIDEOS, body)
    expect([answer.status, (await readError(answer)).message.includes(`"${field}"`)]).toEqual([400, true])
  })
})

describe('GET /v1/generations/{id}', () => {
  it('of an unknown id is 404, "Generation not found"', async () => {
    for (const id of [`gen_${'0'.repeat(32)}`, 'gen_', 'x', `gen_${'0'.repeat(31)}G`]) {
      const answer = await read(id)
      expect([answer.status, await readError(answer)]).toEqual([
        404,
        expect.objectContaining({ error: 'not_found', message: 'Generation not found.' }),
      ])
    }
  })

  it('answers 100 at once, and refuses a wait that is none', async () => {
    const { id } = await jobOf(await ask(IMAGES, fox, await pay()))
    const answers = await Promise.all(Array.from({ length: 100 }, () => read(id)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    for (const wait of ['61', '-1', 'long', '1.5']) expect((await read(id, `?wait=${wait}`)).status).toBe(400)
  })

  it('is over for cancelling and retrying once it is completed', async () => {
    const { id } = await jobOf(await ask(IMAGES, fox, await pay()))
    await finish(id)
    const cancel = await read(id, '', 'DELETE')
    const retry = await ask(`/v1/generations/${id}/retry`, {})
    expect([cancel.status, (await readError(cancel)).error]).toEqual([409, 'not_cancelable'])
    expect([retry.status, (await readError(retry)).error]).toEqual([409, 'not_retryable'])
    const wrong = await ask(`/v1/generations/${id}/retry`, { model: 'x' })
    expect([wrong.status, (await readError(wrong)).error]).toEqual([400, 'invalid_request'])
  })
})
