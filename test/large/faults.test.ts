import { rm } from 'node:fs/promises'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type LocalServer, serveLocally } from '../../workers/local/loopback.ts'
import { createCaller, createPayer, measureIncome, PRICE, photo, post, sign, v2, watchFacilitator } from '../e2e/kit.ts'
import { type OwnStack, startFragileCall, startOwnStack, waitUntil } from '../restart/own-stack.ts'
import { createSmallModels, type OwnContainer, startOwnContainer } from './own-container.ts'

let stack: OwnStack
let container: OwnContainer
let large: Buffer
let small: Buffer
// What fails here is not the model.
const models = createSmallModels()
beforeAll(async () => {
  container = await startOwnContainer({ MODELS_DIR: models })
  stack = await startOwnStack()
  await stack.restart({ CONTAINER_URL: container.url })
  const flower = sharp(photo('flower-10mp.jpg'))
  large = await flower.clone().resize(6000, 4000, { fit: 'cover' }).jpeg().toBuffer()
  small = await flower.clone().resize(400, 300, { fit: 'cover' }).jpeg().toBuffer()
})
afterAll(async () => {
  await stack?.stop()
  await container?.kill()
  await rm(models, { recursive: true })
})

const createHeaders = async () => ({ ...v2(await sign(await createPayer())), ...createCaller() })
const readError = async (answer: Response) => (await answer.json()) as Record<string, unknown>
const isWorking = async (): Promise<boolean> => (await container.readHealth()).memory.used > 0

/** That the same payment now buys the picture, once. */
async function expectGood(headers: Record<string, string>, body = large): Promise<void> {
  const [income, good] = await measureIncome(() => post(body, headers))
  expect([good.status, income]).toEqual([200, PRICE])
  await good.arrayBuffer()
}

describe('a Container that is killed', () => {
  it('in the middle of its work: 503, uncharged; then the same payment buys', async () => {
    const headers = await createHeaders()
    const [income, failed] = await measureIncome(async () => {
      const answer = post(large, headers)
      await waitUntil('the work', isWorking)
      await container.kill()
      return answer
    })
    expect([failed.status, income]).toEqual([503, 0n])
    expect(Number(failed.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await readError(failed)).toMatchObject({ error: 'processor_unavailable', retryable: true })
    await container.restart()
    await expectGood(headers)
  })

  it('before: what fits the edge still works, the rest is 503 before anybody is asked for money', async () => {
    await container.kill()
    // Looks at it are believed for a few seconds, in one process.
    await stack.restart({ CONTAINER_URL: container.url })
    const headers = await createHeaders()
    const [calls, [unpaid, paid]] = await watchFacilitator(async () => [
      await post(large, createCaller()),
      await post(large, headers),
    ])
    // The payment is looked at, and left alone.
    expect([unpaid?.status, paid?.status, calls]).toEqual([503, 503, ['verify']])
    expect(await readError(paid!)).toMatchObject({ error: 'processor_unavailable', retryable: true })
    // Nor is one collected that would have to be before the work.
    const hasty = { ...v2(await sign(await createPayer(), { validBefore: 25 })), ...createCaller() }
    const [income, refused] = await measureIncome(() => post(large, hasty))
    expect([refused.status, income]).toEqual([503, 0n])
    await expectGood(await createHeaders(), small)
    await container.restart()
    await stack.restart({ CONTAINER_URL: container.url })
    await expectGood(headers)
  })
})

describe('a large picture that is paid for', () => {
  it('is had again, in its very bytes, while the Container is down', async () => {
    const headers = await createHeaders()
    const first = Buffer.from(await (await post(large, headers)).arrayBuffer())
    expect(first.length).toBeGreaterThan(5 << 20)
    await container.kill()
    await stack.restart({ CONTAINER_URL: container.url })
    const [income, again] = await measureIncome(() => post(large, headers))
    expect([again.status, again.headers.get('idempotent-replayed'), income]).toEqual([200, 'true', 0n])
    expect(Buffer.from(await again.arrayBuffer()).equals(first)).toBe(true)
    await container.restart()
  })

  it('and whose work fails after the money came first is owed, and done free when the Container is back', async () => {
    // Less than 30 seconds left: the money comes first.
    const headers = { ...v2(await sign(await createPayer(), { validBefore: 25 })), ...createCaller() }
    const [income, failed] = await measureIncome(async () => {
      const answer = post(large, headers)
      await waitUntil('the work', isWorking)
      await container.kill()
      return answer
    })
    expect([failed.status, income]).toEqual([503, PRICE])
    expect(await readError(failed)).toMatchObject({ error: 'processor_unavailable', paid: true })
    await container.restart()
    await stack.restart({ CONTAINER_URL: container.url })
    const [more, good] = await measureIncome(() => post(large, headers))
    expect([good.status, more]).toEqual([200, 0n])
    await good.arrayBuffer()
  })
})

describe('a client that hangs up', () => {
  it('in the middle of the work frees what its picture took, and is not charged', async () => {
    const headers = await createHeaders()
    const [income] = await measureIncome(async () => {
      const call = await startFragileCall(large, headers)
      await waitUntil('the work', isWorking)
      await call.hangUp()
      await waitUntil('room', async () => !(await isWorking()))
    })
    expect(income).toBe(0n)
    await expectGood(headers)
  })
})

describe('a Container that is asked to end', () => {
  it('finishes the picture in work, lets nobody in, and ends with 0', async () => {
    const headers = await createHeaders()
    const answer = post(large, headers)
    await waitUntil('the work', isWorking)
    const code = container.close()
    expect((await answer).status).toBe(200)
    await (await answer).arrayBuffer()
    expect(await code).toBe(0)
    await container.restart()
  })
})

describe('a Container that answers', () => {
  let stranger: LocalServer | undefined
  afterEach(async () => {
    await stranger?.stop()
    stranger = undefined
    await stack.restart({ CONTAINER_URL: container.url })
  })

  /** Puts somebody in the Container's place who is well, and answers a cut as a test says. */
  async function impersonate(cut: (request: Request) => Response | Promise<Response>): Promise<void> {
    const answer = (request: Request) =>
      new URL(request.url).pathname === '/health' ? new Response('{}') : cut(request)
    stranger = await serveLocally(answer, { port: 0 })
    await stack.restart({ CONTAINER_URL: stranger.url })
  }
  const pass = (request: Request) => {
    const { pathname, search } = new URL(request.url)
    const init = { method: 'POST', headers: request.headers, body: request.body, duplex: 'half' }
    return fetch(container.url + pathname + search, init as RequestInit)
  }

  it.each([
    ['a page', () => new Response('<html>hello</html>', { headers: { 'Content-Type': 'text/html' } })],
    ['an error page', () => new Response('<html>bad gateway</html>', { status: 502 })],
    ['a picture without facts', () => new Response('x', { headers: { 'Content-Type': 'image/png' } })],
  ])('%s: 503, uncharged; then the same payment buys', async (_, garbage) => {
    let isGarbage = true
    await impersonate((request) => (isGarbage ? garbage() : pass(request)))
    const headers = await createHeaders()
    const [income, failed] = await measureIncome(() => post(large, headers))
    expect([failed.status, income]).toEqual([503, 0n])
    expect(await readError(failed)).toMatchObject({ error: 'processor_unavailable', retryable: true })
    isGarbage = false
    await expectGood(headers)
  })

  it('with a picture that breaks off: 503, uncharged, nothing is kept; then the same payment buys', async () => {
    let breaks = true
    await impersonate(async (request) => {
      const answer = await pass(request)
      if (!breaks) return answer
      const reader = answer.body!.getReader()
      let left = 6 << 20
      const body = new ReadableStream({
        async pull(controller) {
          const { value, done } = await reader.read()
          left -= value?.length ?? 0
          if (!done && left > 0) return controller.enqueue(value)
          await reader.cancel()
          controller.error(new Error('broken off'))
        },
      })
      return new Response(body, answer)
    })
    const headers = await createHeaders()
    const [income, failed] = await measureIncome(() => post(large, headers))
    expect([failed.status, income]).toEqual([503, 0n])
    expect(stack.readStorage().uploads).toBe(0)
    breaks = false
    await expectGood(headers)
  })

  it('late: the same request meanwhile waits for the same answer, and both cost one price', async () => {
    const go = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    await impersonate(async (request) => {
      reached.resolve()
      await go.promise
      return pass(request)
    })
    const headers = await createHeaders()
    const [income, statuses] = await measureIncome(async () => {
      const first = post(large, headers)
      await reached.promise
      const second = post(large, headers)
      go.resolve()
      return Promise.all(
        [first, second].map(async (answer) => [(await answer).status, (await (await answer).arrayBuffer()).byteLength]),
      )
    })
    expect(statuses[0]).toEqual([200, expect.any(Number)])
    expect(statuses[1]).toEqual(statuses[0])
    expect(income).toBe(PRICE)
  })

  it('that it is full: 503 with its Retry-After, uncharged', async () => {
    const full = { ok: false, code: 'processor_unavailable', retryAfter: 7 }
    await impersonate(() => Response.json(full, { status: 503 }))
    const [income, failed] = await measureIncome(async () => post(large, await createHeaders()))
    expect([failed.status, failed.headers.get('retry-after'), income]).toEqual([503, '7', 0n])
  })
})

describe('ten large pictures at once', () => {
  it('in a small memory: who finds no room is told when to come again, uncharged; the others are cut', async () => {
    await container.restart({ MEMORY_MIB: '800' })
    await stack.restart({ CONTAINER_URL: container.url })
    const webp = await sharp(photo('flower-10mp.jpg'))
      .resize(5200, 5000, { fit: 'cover' })
      .webp({ effort: 0 })
      .toBuffer()
    const headers = await Promise.all(Array.from({ length: 12 }, createHeaders))
    const [income, answers] = await measureIncome(async () => {
      const all = await Promise.all(headers.map((each) => post(webp, each, '', 'image/webp')))
      await Promise.all(all.map((answer) => answer.clone().arrayBuffer()))
      return all
    })
    const good = answers.filter(({ status }) => status === 200)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
    expect(income).toBe(BigInt(good.length) * PRICE)
    expect((await container.readHealth()).memory).toMatchObject({ used: 0, waiting: 0 })
  })
})
