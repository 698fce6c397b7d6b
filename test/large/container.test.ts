import { rm } from 'node:fs/promises'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCaller, createPayer, stack as given, measureIncome, PRICE, photo, post, sign, v2 } from '../e2e/kit.ts'
import { readOdd } from '../images/odd-images.ts'
import { type OwnStack, startOwnStack } from '../restart/own-stack.ts'
import { bestModel, createSmallModels, type OwnContainer, startOwnContainer } from './own-container.ts'

let stack: OwnStack
let container: OwnContainer
beforeAll(async () => {
  container = await startOwnContainer()
  stack = await startOwnStack()
  await stack.restart({ CONTAINER_URL: container.url })
})
afterAll(async () => {
  await stack?.stop()
  await container?.kill()
})

/** A paid call by a fresh payer from a fresh address: what it cost, and the answer. */
async function cut(body: Buffer, type: string, query = '') {
  const headers = { ...v2(await sign(await createPayer())), ...createCaller() }
  const [income, answer] = await measureIncome(() => post(body, headers, query, type))
  return { income, answer, bytes: Buffer.from(await answer.arrayBuffer()) }
}

/** The same, and by how much the Container and the gateway grew at their largest, in MiB. */
async function weigh(body: Buffer, type: string, query = '') {
  // What another picture left in its memory would hide what this one takes.
  await stack.restart({ CONTAINER_URL: container.url })
  const [before, gateway] = [container.readMemory().now, stack.readMemory().now]
  container.forgetPeak()
  stack.forgetPeak()
  const result = await cut(body, type, query)
  const grew = container.readMemory().peak - before
  const gatewayGrew = stack.readMemory().peak - gateway
  console.log(`${type}${query}: Container +${grew.toFixed(0)} MiB, gateway +${gatewayGrew.toFixed(0)} MiB`)
  return { ...result, grew, gatewayGrew }
}

const flower = sharp(photo('flower-10mp.jpg'))
const draw = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#4466aa' } })

describe('a picture that no isolate holds', () => {
  it('of 10,000 x 10,000 as PNG is paid for and delivered, in bounded memory', async () => {
    // Enlarged without smoothing, so that it stays below 25 MB.
    const picture = flower.clone().resize(2000, 2000, { fit: 'fill' }).png().toBuffer()
    const file = await sharp(await picture)
      .resize(10_000, 10_000, { kernel: 'nearest' })
      .png()
      .toBuffer()
    expect(file.length).toBeLessThan(25 << 20)
    const { income, answer, bytes, grew, gatewayGrew } = await weigh(file, 'image/png')
    expect([answer.status, income, answer.headers.get('x-model')]).toEqual([200, PRICE, bestModel])
    const { width, height, channels, depth } = await sharp(bytes, { limitInputPixels: 1e8 }).metadata()
    expect({ width, height, channels, depth }).toEqual({ width: 10_000, height: 10_000, channels: 4, depth: 'uchar' })
    expect(grew).toBeLessThan(600)
    expect(gatewayGrew).toBeLessThan(80)
  })

  it('of 100 megapixels as JPEG takes 200 MB and not more', async () => {
    const file = await flower.clone().resize(10_000, 10_000, { fit: 'fill' }).jpeg({ quality: 70 }).toBuffer()
    const { income, answer, grew } = await weigh(file, 'image/jpeg')
    expect([answer.status, income]).toEqual([200, PRICE])
    expect(grew).toBeLessThan(200)
  })

  it('of 24 megapixels as a progressive JPEG is paid for and delivered', async () => {
    const file = await flower.clone().resize(6000, 4000, { fit: 'cover' }).jpeg({ progressive: true }).toBuffer()
    const { income, answer, bytes, grew } = await weigh(file, 'image/jpeg')
    expect([answer.status, income, answer.headers.get('x-model')]).toEqual([200, PRICE, bestModel])
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 6000, height: 4000, channels: 4 })
    // Its coefficients lie in memory until the last scan.
    expect(grew).toBeLessThan(350)
  })

  it('of 25 MB and one byte less passes the gateway without lying in its memory twice', async () => {
    const small = await flower.clone().resize(5000, 3000, { fit: 'cover' }).jpeg({ quality: 90 }).toBuffer()
    const pad = (size: number) => Buffer.concat([small, Buffer.alloc(size - small.length)])
    // The same picture without what is behind its end.
    const { gatewayGrew: usual } = await weigh(small, 'image/jpeg')
    for (const size of [(25 << 20) - 1, 25 << 20]) {
      const { income, answer, gatewayGrew } = await weigh(pad(size), 'image/jpeg')
      expect([answer.status, income]).toEqual([200, PRICE])
      // What lies there is two parts of 5 MiB, and what the collector has not come to.
      expect(gatewayGrew - usual).toBeLessThan(50)
    }
    const { income, answer } = await cut(pad((25 << 20) + 1), 'image/jpeg')
    expect([answer.status, income]).toEqual([413, 0n])
  })

  it('leaves nothing in R2 but what was paid for', () => {
    const { keys, uploads } = stack.readStorage()
    expect([keys.filter((key) => key.startsWith('spool/')), uploads]).toEqual([[], 0])
  })

  it.each([
    [10_000, 401, 200],
    [9_999, 402, 200],
    [10_001, 401, 400],
  ])('a side of %d px: %d x it is %d', async (width, height, status) => {
    // A subject, so that there is something to cut out.
    const disc = Buffer.from(`<svg width="400" height="400"><circle cx="200" cy="200" r="190" fill="#e33"/></svg>`)
    const picture = draw(width, height).composite([{ input: disc, left: 4800, top: 0 }])
    const { answer, bytes, income } = await cut(await picture.png({ compressionLevel: 1 }).toBuffer(), 'image/png')
    expect([200, 422, 400]).toContain(answer.status)
    if (status === 400) expect(String(bytes)).toMatch(/each side may have 10,000 at most/)
    expect(answer.status === 400).toBe(status === 400)
    expect(income).toBe(answer.status === 200 ? PRICE : 0n)
  })
})

describe('who works', () => {
  const models = async (pixels: readonly [number, number], query = '') => {
    const file = await flower
      .clone()
      .resize(...pixels, { fit: 'cover' })
      .jpeg()
      .toBuffer()
    const { answer } = await cut(file, 'image/jpeg', query)
    return [answer.status, answer.headers.get('x-model')]
  }
  // The edge's stand-in calls its model "none".
  it.each([
    [[2000, 1999], '', 'none'],
    [[2000, 2000], '', 'none'],
    [[2000, 2001], '', bestModel],
    [[1000, 1000], '?quality=best', bestModel],
    [[2000, 2001], '?quality=fast', 'edge-352'],
  ] as const)('on %j%s: %s', async (pixels, query, model) => expect(await models(pixels, query)).toEqual([200, model]))

  describe('where the operator lets callers choose', () => {
    beforeAll(() => stack.restart({ CONTAINER_URL: container.url, MATTE_MODELS: `edge-352,${bestModel}` }))
    afterAll(() => stack.restart({ CONTAINER_URL: container.url }))
    it.each(['edge-352', bestModel])('is the model that was chosen, in the Container: %s', async (model) =>
      expect(await models([800, 600], `?model=${model}`)).toEqual([200, model]),
    )
    it('is nobody where another is asked for: 400 names those that may be, before anybody pays', async () => {
      const file = await flower.clone().resize(800, 600).jpeg().toBuffer()
      const answer = await post(file, createCaller(), '?model=u2net-320', 'image/jpeg')
      expect([answer.status, answer.headers.get('payment-required')]).toEqual([400, null])
      expect(await answer.json()).toMatchObject({
        error: 'invalid_request',
        message: `The option "model" may be edge-352 or ${bestModel}.`,
      })
      const api = await (await fetch(`${given.gateway}/openapi.json`)).text()
      expect(api).toContain(`may be edge-352 or ${bestModel}`)
    })
  })

  it('writes a WebP above what the edge does', async () => {
    const file = await flower.clone().resize(2000, 1000, { fit: 'cover' }).jpeg().toBuffer()
    const { answer, bytes } = await cut(file, 'image/jpeg', '?format=webp')
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/webp'])
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 2000, height: 1000, hasAlpha: true })
  })

  it.each(['cmyk.jpg', 'arith.jpg'])('takes %s, which the edge does not decode', async (name) => {
    const { answer, income } = await cut(Buffer.from(readOdd(name)), 'image/jpeg')
    // It is a drawing: the model may see nothing in it.
    expect([200, 422]).toContain(answer.status)
    expect(income).toBe(answer.status === 200 ? PRICE : 0n)
  })

  it('is the Container, once and for one price, when the edge has no room', async () => {
    const file = await flower.clone().resize(800, 450).jpeg().toBuffer()
    stack.failWork({ code: 'processor_unavailable', retryAfter: 1 })
    const { answer, income } = await cut(file, 'image/jpeg')
    expect([answer.status, answer.headers.get('x-model'), income]).toEqual([200, bestModel, PRICE])
  })

  it('has the edge’s model where IS-Net’s file is missing, and X-Model says so', async () => {
    const folder = createSmallModels()
    await container.restart({ MODELS_DIR: folder })
    expect(await models([1000, 1000], '?quality=best')).toEqual([200, 'edge-352'])
    await container.restart()
    await rm(folder, { recursive: true })
  })
})

describe('GET /health and /openapi.json', () => {
  it('say what is possible with a Container', async () => {
    const { gateway } = given
    const health = (await (await fetch(`${gateway}/health`)).json()) as { dependencies: object; pixels: object }
    expect(health.dependencies).toMatchObject({ container: 'ok' })
    expect(health.pixels).toEqual({ png: 100_000_000, webp: 100_000_000 })
    expect(await (await fetch(`${gateway}/openapi.json`)).text()).toMatch(/100,000,000 pixels in all/)
  })
})
