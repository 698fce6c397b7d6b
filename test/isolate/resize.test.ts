import { once } from 'node:events'
import { connect } from 'node:net'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { type VariantOptions, type VariantSource, variantFormats } from '../../src/hosting/resize.ts'
import { type Bundle, bundleWorker } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'
import { readOdd } from '../images/odd-images.ts'

let bundle: Bundle
let workerd: Workerd
beforeAll(async () => {
  bundle = bundleWorker('test/isolate/workers/resize.toml')
  workerd = await startWorkerd(bundle)
}, 60_000)
afterAll(() => workerd?.stop())

const small: VariantSource = { format: 'jpeg', width: 300, height: 200, orientation: 1 }

function address(source: VariantSource, options: Partial<VariantOptions>): string {
  const whole = { width: null, height: null, fit: 'contain', format: 'png', ...options }
  return `?${new URLSearchParams({ source: JSON.stringify(source), options: JSON.stringify(whole) })}`
}

async function resize(
  body: Uint8Array<ArrayBuffer>,
  source: VariantSource,
  options: Partial<VariantOptions>,
  { url } = workerd,
) {
  const answer = await fetch(url + address(source, options), { method: 'POST', body })
  return { status: answer.status, bytes: new Uint8Array(await answer.arrayBuffer()) }
}

const readFailure = ({ bytes }: { bytes: Uint8Array }): unknown => JSON.parse(new TextDecoder().decode(bytes))

describe('the resize Worker', () => {
  it.each(variantFormats)('answers a %s', async (format) => {
    const { status, bytes } = await resize(readOdd('base.jpg'), small, { width: 150, format })
    expect(status).toBe(200)
    expect(await sharp(bytes).metadata()).toMatchObject({ format, width: 150, height: 100 })
  })

  it('says what is wrong with a damaged picture, and then takes a sound one', async () => {
    const damaged = readOdd('base.jpg').slice(0, -100)
    for (let i = 0; i < 10; i += 1) {
      const failed = await resize(damaged, small, {})
      expect([failed.status, readFailure(failed)]).toEqual([400, { ok: false, code: 'undecodable' }])
    }
    expect((await resize(readOdd('base.jpg'), small, {})).status).toBe(200)
  })

  it('works on one at a time: eight wait, and the others are told when to come back', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => resize(readOdd('base.jpg'), small, {})))
    const refused = all.filter(({ status }) => status !== 200)
    expect(all.length - refused.length).toBeGreaterThanOrEqual(9)
    for (const failed of refused) expect(readFailure(failed)).toEqual({ ok: false, code: 'busy', retryAfter: 3 })
    expect((await resize(readOdd('base.jpg'), small, {})).status).toBe(200)
  })

  it('is not held up for ever by a file that stops coming, nor by a client that is gone', async () => {
    const { hostname, port } = new URL(workerd.url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const head = `POST /${address(small, {})} HTTP/1.1\r\nHost: pixtoll\r\nContent-Length: 9000\r\n\r\n`
    await new Promise<unknown>((resolve) => socket.write(`${head}begin`, resolve))
    const [stuck] = await Promise.all([
      resize(readOdd('base.jpg'), small, {}),
      // Behind the file that does not come.
      resize(readOdd('base.jpg'), small, {}),
    ])
    expect(stuck.status).toBe(200)
    socket.resetAndDestroy()
    expect((await resize(readOdd('base.jpg'), small, {})).status).toBe(200)
  })
})

/** Each in an isolate of its own, which has 128 MB: the process also holds what lies between two Workers. */
test.runIf(process.platform === 'linux').each<[string, Partial<VariantOptions>, most: number]>([
  ['jpeg', { width: 200, format: 'jpeg' }, 75],
  ['jpeg', { format: 'png' }, 100],
  ['jpeg', { format: 'webp' }, 105],
  ['webp', { format: 'webp' }, 112],
])('4 megapixels of %s as %j fit', async (format, options, most) => {
  const picture = sharp('test/fixtures/photos/flower-10mp.jpg').resize(2000, 2000)
  const file = new Uint8Array(await picture.toFormat(format as 'jpeg').toBuffer())
  const fresh = await startWorkerd(bundle)
  try {
    const before = fresh.readMemory().now
    fresh.forgetPeak()
    const source = { format: format as 'jpeg', width: 2000, height: 2000, orientation: 6 } as const
    const { status, bytes } = await resize(file, source, options, fresh)
    expect(status).toBe(200)
    expect((await sharp(bytes).metadata()).width).toBe(options.width ?? 2000)
    expect(fresh.readMemory().peak - before).toBeLessThan(most)
    // And again: nothing lies beside the next one.
    expect((await resize(file, source, options, fresh)).status).toBe(200)
    expect(fresh.readMemory().peak - before).toBeLessThan(most + 20)
  } finally {
    await fresh.stop()
  }
})
