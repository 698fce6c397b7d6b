import { describe, expect, it } from 'vitest'
import { createCaller, createPayer, measureIncome, stack as shared, sign, v2 } from '../e2e/kit.ts'
import { useUpstreams } from './kit-upstreams.ts'
import { waitUntil } from './own-stack.ts'

const upstreams = useUpstreams()

const pay = async (value: bigint) => ({ ...v2(await sign(await createPayer(value), { value })), ...createCaller() })
const generate = (kind: 'images' | 'videos', body: object, headers: Readonly<Record<string, string>>) =>
  fetch(`${shared.gateway}/v1/${kind}/generate`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  })
interface Job {
  readonly id: string
  readonly status: string
  readonly progress: number
  readonly served_by?: string
  readonly error?: string
  readonly output: readonly { url: string; type: string }[]
}
const read = async (id: string): Promise<Job> =>
  (await (await fetch(`${shared.gateway}/v1/generations/${id}`)).json()) as Job

/** Waits for the end of a job, across restarts of the gateway. */
async function finish(id: string): Promise<Job> {
  let job: Job | undefined
  await waitUntil(`the end of ${id}`, async () => {
    job = await read(id).catch(() => undefined)
    return job !== undefined && job.status !== 'pending' && job.status !== 'processing'
  })
  return job!
}

describe.each([
  ['nano-banana-2', 'images', 50_000n, {}],
  ['seedream-4.0', 'images', 50_000n, {}],
  ['veo-3.1-fast', 'videos', 250_000n, { mode: 't2v' }],
] as const)('%s, by its own upstream', (model, kind, price, more) => {
  it('generates, stores the output, and says that nobody stands in', async () => {
    const headers = await pay(price)
    const [income, answer] = await measureIncome(() => generate(kind, { model, prompt: 'a red fox', ...more }, headers))
    const accepted = (await answer.json()) as Job
    expect([answer.status, income, accepted.served_by]).toEqual([202, price, undefined])
    const job = await finish(accepted.id)
    expect([job.status, job.error, job.output.length]).toEqual(['completed', undefined, 1])
    const path = new URL(job.output[0]!.url).pathname
    const served = await fetch(`${shared.gateway}${path}`)
    expect([served.status, served.headers.get('content-type')]).toEqual([200, job.output[0]!.type])
  })
})

describe('a gateway that is killed while a generation runs', () => {
  it('once its output is stored: it goes on, charged once, and the payment gives that job', async () => {
    const headers = await pay(50_000n)
    const body = { model: 'nano-banana-2', prompt: 'a lamp that goes out' }
    const [income, { id }] = await measureIncome(async () => {
      const stored = upstreams.stack.hold('stored')
      const accepted = (await (await generate('images', body, headers)).json()) as Job
      await stored.reached
      await upstreams.restart()
      return accepted
    })
    const job = await finish(id)
    expect([job.status, job.progress, income]).toEqual(['completed', 100, 50_000n])
    const again = (await (await generate('images', body, headers)).json()) as Job
    expect([again.id, again.status]).toEqual([id, 'completed'])
  })

  it('between polls: its operation is found again, and created once', async () => {
    const headers = await pay(250_000n)
    const before = await upstreams.countCalls(/predictLongRunning/)
    const accepted = (await (
      await generate('videos', { model: 'veo-3.1-fast', prompt: 'waves', mode: 't2v' }, headers)
    ).json()) as Job
    await waitUntil('its creation', async () => (await upstreams.countCalls(/predictLongRunning/)) > before)
    await upstreams.restart()
    expect((await finish(accepted.id)).status).toBe('completed')
    expect((await upstreams.countCalls(/predictLongRunning/)) - before).toBe(1)
  })
})

describe('POST /v1/generations/{id}/retry', () => {
  it('runs a blocked job again with another prompt, free', async () => {
    await upstreams.setFaults([{ op: 'gemini', mode: 'blocked', count: 1 }])
    const headers = await pay(50_000n)
    const body = { model: 'nano-banana-2', prompt: 'something bad' }
    const { id } = (await (await generate('images', body, headers)).json()) as Job
    expect(await finish(id)).toMatchObject({ status: 'failed', error: 'content_blocked' })
    const retry = (prompt: string) =>
      fetch(`${shared.gateway}/v1/generations/${id}/retry`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ prompt }),
      })
    expect((await retry('something bad')).status).toBe(409)
    const [income, retried] = await measureIncome(() => retry('something good'))
    expect([income, retried.status, (await finish(id)).status]).toEqual([0n, 200, 'completed'])
  })
})

describe('storage that fails while outputs come', () => {
  it.each([
    ['images', 'nano-banana-2', 50_000n, {}, /generateContent/],
    ['videos', 'veo-3.1-fast', 250_000n, { mode: 't2v' }, /predictLongRunning/],
  ] as const)('costs no second creation: %s', async (kind, model, price, more, creation) => {
    const before = await upstreams.countCalls(creation)
    const headers = await pay(price)
    const { id } = (await (await generate(kind, { model, prompt: `a ${kind} shelf`, ...more }, headers)).json()) as Job
    upstreams.stack.failStorage(['put'])
    await waitUntil('its creation', async () => (await upstreams.countCalls(creation)) > before)
    const open = await (await fetch(`${shared.gateway}/v1/generations/${id}?wait=8`)).json()
    expect(open).toMatchObject({ status: 'processing', output: [] })
    upstreams.stack.failStorage([])
    expect((await finish(id)).status).toBe('completed')
    expect((await upstreams.countCalls(creation)) - before).toBe(1)
  })
})

describe('a payment for a job whose model is gone since', () => {
  it('still gives that job, and begins it; whoever has not paid hears that it is gone', async () => {
    const body = { model: 'seedream-4.0', prompt: 'a chair' }
    const headers = await pay(50_000n)
    const { id } = (await (await generate('images', body, headers)).json()) as Job
    await finish(id)
    await upstreams.stack.restart({ ALLOW_LOCAL_PREVIEW: 'false' })
    const [nothing, again] = await measureIncome(() => generate('images', body, headers))
    expect([again.status, ((await again.json()) as Job).id, nothing]).toEqual([202, id, 0n])
    const unpaid = await generate('images', body, createCaller())
    expect([unpaid.status, ((await unpaid.json()) as Job).error]).toEqual([503, 'model_unavailable'])
  })

  it('still gives that job when another price is asked by now', async () => {
    await upstreams.restart()
    const body = { model: 'seedream-4.0', prompt: 'a table' }
    const headers = await pay(50_000n)
    const { id } = (await (await generate('images', body, headers)).json()) as Job
    await finish(id)
    await upstreams.restart({ GENERATION_MODELS: '{"seedream-4.0":{"price":{"base":"0.07"}}}' })
    const again = await generate('images', body, headers)
    expect([again.status, ((await again.json()) as Job).id]).toEqual([202, id])
  })
})
