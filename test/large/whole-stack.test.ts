import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { writeOptions } from '../../src/matte/wire.ts'
import { type DemoProtocol, demoClients } from '../../workers/local/demo-clients.ts'
import { nameHost } from '../../workers/local/hosts.ts'
import { installLocalhostLookup } from '../../workers/local/localhost.ts'
import { type RunningStack, startStack } from '../../workers/local/stack.ts'
import { photo } from '../e2e/kit.ts'
import { bestModel } from './own-container.ts'

let running: RunningStack
beforeAll(async () => {
  installLocalhostLookup()
  running = await startStack({ port: 0, onLine: () => {} })
})
afterAll(() => running?.stop())

const flower = sharp(photo('flower-10mp.jpg'))

/** A call of the whole product by a stock client, which pays what is asked. */
async function buy(body: Buffer, type: string, query = '', protocol: DemoProtocol = 'x402'): Promise<Response> {
  const client = demoClients[protocol](running.stack)
  const pay = client.createPayingFetch(fetch)
  const url = `${nameHost(running.stack.gateway, client.host)}/v1/remove-background${query}`
  return pay(url, { method: 'POST', headers: { 'Content-Type': type }, body: new Uint8Array(body) })
}

/** The Container's own answer. */
const askContainer = (body: Buffer, type: string, options: Partial<MatteOptions>): Promise<Response> =>
  fetch(`${running.stack.container}/cut?${writeOptions({ ...defaultMatteOptions, ...options })}`, {
    method: 'POST',
    headers: { 'Content-Type': type },
    body: new Uint8Array(body),
  })

const readAlpha = async (answer: Response): Promise<Buffer> => {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/png'])
  return sharp(Buffer.from(await answer.arrayBuffer()))
    .extractChannel(3)
    .raw()
    .toBuffer()
}

describe('the edge’s model', () => {
  // At the edge's limit; smaller and sideways; a profile; a lossless WebP.
  const pictures = {
    'a JPEG of 4 megapixels': ['image/jpeg', () => flower.clone().resize(2000, 2000, { fit: 'cover' }).jpeg()],
    'a JPEG on its side': [
      'image/jpeg',
      () => flower.clone().resize(900, 600, { fit: 'cover' }).withMetadata({ orientation: 6 }).jpeg(),
    ],
    'a PNG in Display P3': ['image/png', () => flower.clone().resize(800, 450).withIccProfile('p3').png()],
    'a WebP': ['image/webp', () => flower.clone().resize(800, 450).webp({ lossless: true })],
  } as const
  it.each(Object.entries(pictures))('sees the same alpha in %s in the Container, within 2 of 255', async (_, given) => {
    const [type, draw] = given
    const file = await draw().toBuffer()
    for (const refine of ['none', 'decontaminate'] as const) {
      const edge = await buy(file, type, `?quality=fast&refine=${refine}`)
      const container = await askContainer(file, type, { quality: 'fast', refine })
      expect(edge.headers.get('x-model')).toBe('edge-352')
      const [one, other] = [await readAlpha(edge), await readAlpha(container)]
      expect(other.length).toBe(one.length)
      let worst = 0
      for (let i = 0; i < one.length; i += 1) worst = Math.max(worst, Math.abs(one[i]! - other[i]!))
      expect(worst).toBeLessThanOrEqual(2)
    }
  })
})

describe('a stock client', () => {
  it.each(['x402', 'mpp'] as const)('of %s buys the best cut of a picture that no isolate holds', async (protocol) => {
    const file = await flower.clone().resize(4000, 3000, { fit: 'cover' }).jpeg().toBuffer()
    const answer = await buy(file, 'image/jpeg', '?quality=best', protocol)
    expect([answer.status, answer.headers.get('x-model')]).toEqual([200, bestModel])
    const { width, height, channels } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata()
    expect({ width, height, channels }).toEqual({ width: 4000, height: 3000, channels: 4 })
    expect(demoClients[protocol](running.stack).readTransaction(answer)).toMatch(/^0x/)
  })
})
