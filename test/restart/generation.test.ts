import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startUpstreams } from '../../workers/local/upstreams/index.ts'
import { createCaller, createPayer, measureIncome, stack as shared, sign, v2 } from '../e2e/kit.ts'
import { type OwnStack, startOwnStack, waitUntil } from './own-stack.ts'

type Upstreams = Awaited<ReturnType<typeof startUpstreams>>

let upstreams: Upstreams
let stack: OwnStack
beforeAll(async () => {
  upstreams = await startUpstreams()
  stack = await startOwnStack()
  await stack.restart(upstreams.values)
})
afterAll(async () => {
  await stack.stop()
  await upstreams.stop()
})

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
const countCalls = async (path: RegExp): Promise<number> => {
  const log = (await (await fetch(`${upstreams.url}/_log`)).json()) as { op?: string; path?: string }[]
  return log.filter((entry) => path.test(JSON.stringify(entry))).length
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
      const stored = stack.hold('stored')
      const accepted = (await (await generate('images', body, headers)).json()) as Job
      await stored.reached
      await stack.restart(upstreams.values)
      return accepted
    })
    const job = await finish(id)
    expect([job.status, job.progress, income]).toEqual(['completed', 100, 50_000n])
    const again = (await (await generate('images', body, headers)).json()) as Job
    expect([again.id, again.status]).toEqual([id, 'completed'])
  })

  it('between polls: its operation is found again, and created once', async () => {
    const headers = await pay(250_000n)
    const before = await countCalls(/predictLongRunning/)
    const accepted = (await (
      await generate('videos', { model: 'veo-3.1-fast', prompt: 'waves', mode: 't2v' }, headers)
    ).json()) as Job
    await waitUntil('its creation', async () => (await countCalls(/predictLongRunning/)) > before)
    await stack.restart(upstreams.values)
    expect((await finish(accepted.id)).status).toBe('completed')
    expect((await countCalls(/predictLongRunning/)) - before).toBe(1)
  })
})

describe('storage that fails while outputs come', () => {
  it.each([
    ['images', 'nano-banana-2', 50_000n, {}, /generateContent/],
    ['videos', 'veo-3.1-fast', 250_000n, { mode: 't2v' }, /predictLongRunning/],
  ] as const)('costs no second creation: %s', async (kind, model, price, more, creation) => {
    const before = await countCalls(creation)
    const headers = await pay(price)
    const { id } = (await (await generate(kind, { model, prompt: `a ${kind} shelf`, ...more }, headers)).json()) as Job
    stack.failStorage(['put'])
    await waitUntil('its creation', async () => (await countCalls(creation)) > before)
    const open = await (await fetch(`${shared.gateway}/v1/generations/${id}?wait=8`)).json()
    expect(open).toMatchObject({ status: 'processing', output: [] })
    stack.failStorage([])
    expect((await finish(id)).status).toBe('completed')
    expect((await countCalls(creation)) - before).toBe(1)
  })
})

describe('a payment for a job whose model is gone since', () => {
  it('still gives that job, and begins it; whoever has not paid hears that it is gone', async () => {
    const body = { model: 'seedream-4.0', prompt: 'a chair' }
    const headers = await pay(50_000n)
    const { id } = (await (await generate('images', body, headers)).json()) as Job
    await finish(id)
    await stack.restart({ ALLOW_LOCAL_PREVIEW: 'false' })
    const [nothing, again] = await measureIncome(() => generate('images', body, headers))
    expect([again.status, ((await again.json()) as Job).id, nothing]).toEqual([202, id, 0n])
    const unpaid = await generate('images', body, createCaller())
    expect([unpaid.status, ((await unpaid.json()) as Job).error]).toEqual([503, 'model_unavailable'])
  })

  it('still gives that job when another price is asked by now', async () => {
    await stack.restart(upstreams.values)
    const body = { model: 'seedream-4.0', prompt: 'a table' }
    const headers = await pay(50_000n)
    const { id } = (await (await generate('images', body, headers)).json()) as Job
    await finish(id)
    await stack.restart({ ...upstreams.values, GENERATION_MODELS: '{"seedream-4.0":{"price":{"base":"0.07"}}}' })
    const again = await generate('images', body, headers)
    expect([again.status, ((await again.json()) as Job).id]).toEqual([202, id])
  })
})
