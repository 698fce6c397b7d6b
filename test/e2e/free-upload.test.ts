import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { createCaller, photo, stack } from './kit.ts'
import {
  createForm,
  createNoise,
  DAY_MS,
  FREE,
  get,
  locate,
  pad,
  readError,
  readHosted,
  send,
  sendJson,
  upload,
} from './kit-hosting.ts'

const MB = 1_048_576

describe('POST /api/free', () => {
  it('answers where the image is, for 7 days', async () => {
    const image = await createNoise()
    const answer = await upload(FREE, image)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const hosted = await readHosted(answer)
    expect(hosted).toEqual({
      url: `https://i.localhost/${hosted.id}.png`,
      id: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
      contentType: 'image/png',
      sizeBytes: image.length,
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      deleteToken: expect.stringMatching(/^[0-9a-f]{40}$/),
      manageUrl: `${stack.publicUrl}/api/files/${hosted.id}`,
    })
    expect(Math.abs(Date.parse(hosted.expiresAt) - Date.now() - 7 * DAY_MS)).toBeLessThan(60_000)
    expect(Buffer.from(await (await get(hosted)).arrayBuffer()).equals(image)).toBe(true)
  })

  it('takes a form, JSON and raw bytes, and believes the bytes, not their name or type', async () => {
    const png = await createNoise()
    const forms = {
      file: await send(FREE, createForm(png, 'file')),
      misnamed: await send(FREE, createForm(png, 'image', 'a.jpg', 'image/jpeg')),
      base64: await sendJson(FREE, { file: png.toString('base64') }),
      dataUri: await sendJson(FREE, { file: `data:image/jpeg;base64,${png.toString('base64')}` }),
      raw: await send(FREE, png, { 'Content-Type': 'image/webp' }),
    }
    for (const [name, answer] of Object.entries(forms)) {
      expect([name, answer.status, (await readHosted(answer)).contentType]).toEqual([name, 200, 'image/png'])
    }
  })

  it.each([
    ['jpeg', 'jpg'],
    ['gif', 'gif'],
    ['webp', 'webp'],
  ] as const)('hosts a %s as .%s', async (format, extension) => {
    const image = await sharp(await createNoise())
      .toFormat(format)
      .toBuffer()
    const hosted = await readHosted(await upload(FREE, image))
    expect([hosted.contentType, hosted.url.split('.').at(-1)]).toEqual([`image/${format}`, extension])
    expect((await get(hosted)).headers.get('content-type')).toBe(`image/${format}`)
  })

  it('cuts metadata off without touching a pixel; orientation and colour profile stay', async () => {
    const plain = await sharp(photo('flower.jpg')).resize(200).jpeg().toBuffer()
    const exif = { IFD0: { Copyright: 'secret-owner' }, IFD3: { GPSLatitude: '48/1 12/1 30/1', GPSLatitudeRef: 'N' } }
    const tagged = await sharp(plain).withIccProfile('p3').withExif(exif).withMetadata({ orientation: 6 }).toBuffer()
    const hosted = await readHosted(await upload(FREE, Buffer.concat([tagged, Buffer.from('PK\x03\x04secret-zip')])))
    const served = Buffer.from(await (await get(hosted)).arrayBuffer())
    expect(served.toString('latin1')).not.toMatch(/secret|GPS/)
    expect(hosted.sizeBytes).toBe(served.length)
    const { orientation, icc } = await sharp(served).metadata()
    expect([orientation, icc?.equals((await sharp(tagged).metadata()).icc!)]).toEqual([6, true])
    expect((await sharp(served).raw().toBuffer()).equals(await sharp(tagged).raw().toBuffer())).toBe(true)
  })

  it('keeps metadata with ?keep=metadata, byte for byte', async () => {
    const image = await sharp(await createNoise())
      .withExif({ IFD0: { Copyright: 'me' } })
      .jpeg()
      .toBuffer()
    const hosted = await readHosted(await upload(`${FREE}?keep=metadata`, image))
    expect(Buffer.from(await (await get(hosted)).arrayBuffer()).equals(image)).toBe(true)
  })

  it('takes 1 MB and not a byte more, whatever Content-Length says', async () => {
    const png = await createNoise()
    expect((await upload(FREE, pad(png, MB))).status).toBe(200)
    const large = pad(png, MB + 1)
    const unsaid = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 40; i += 1) controller.enqueue(large.subarray(i * 64_000, (i + 1) * 64_000))
        controller.close()
      },
    })
    const stream = {
      method: 'POST',
      body: unsaid,
      duplex: 'half',
      headers: { 'Content-Type': 'image/png', ...createCaller() },
    }
    const answers = [
      await upload(FREE, large),
      await send(FREE, large, { 'Content-Type': 'image/png' }),
      await sendJson(FREE, { file: large.toString('base64') }),
      await fetch(stack.gateway + FREE, stream as RequestInit),
    ]
    for (const answer of answers) {
      expect([answer.status, (await readError(answer)).error]).toEqual([400, 'file_too_large'])
    }
  })

  it.each([
    ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'unsupported_format'],
    ['HTML behind the magic bytes of a JPEG', '\xff\xd8\xff<script>alert(1)</script>', 'unsupported_format'],
    ['a renamed zip', 'PK\x03\x04\x14\0\0\0\0\0', 'unsupported_format'],
    ['nothing', '', 'empty_file'],
  ])('refuses %s', async (_, text, error) => {
    const answer = await upload(FREE, Buffer.from(text, 'latin1'))
    expect([answer.status, (await readError(answer)).error]).toEqual([400, error])
  })

  it('refuses a truncated file, and a request without a file', async () => {
    const png = await createNoise()
    const answers = [
      [await upload(FREE, png.subarray(0, -20)), 'unsupported_format'],
      [await send(FREE, createForm(png, 'other')), 'no_file'],
      [await send(FREE, null), 'no_file'],
      [await sendJson(FREE, { file: '%%%' }), 'no_file'],
      [await send(FREE, '{', { 'Content-Type': 'application/json' }), 'no_file'],
      [await send(FREE, 'nonsense', { 'Content-Type': 'multipart/form-data; boundary=x' }), 'no_file'],
    ] as const
    for (const [answer, error] of answers) {
      expect([answer.status, (await readError(answer)).error]).toEqual([400, error])
    }
  })

  it('lives shorter with ?ttl, from an hour to 7 days', async () => {
    const image = await createNoise()
    const hosted = await readHosted(await upload(`${FREE}?ttl=3600`, image))
    expect(Math.abs(Date.parse(hosted.expiresAt) - Date.now() - 3_600_000)).toBeLessThan(60_000)
    const { headers } = await get(hosted)
    expect(Number(/^max-age=(\d+)$/.exec(headers.get('cdn-cache-control')!)?.[1])).toBeLessThanOrEqual(3600)
    expect(headers.get('cache-control')).toBe('public, max-age=3600')
    for (const ttl of ['3599', '604801', 'soon', '']) {
      const answer = await upload(`${FREE}?ttl=${ttl}`, image)
      const { error, message } = await readError(answer)
      expect([ttl, answer.status, error]).toEqual([ttl, 400, 'invalid_request'])
      expect(message).toContain('3600 to 604800')
    }
  })

  it('refuses an option that is none', async () => {
    const answer = await upload(`${FREE}?tll=3600`, await createNoise())
    expect([answer.status, (await readError(answer)).error]).toEqual([400, 'invalid_request'])
  })

  it('allows 100 a UTC day for one address, tells so, and gives the slot of a failed one back', async () => {
    const [client, image] = [createCaller(), await createNoise(8)]
    expect((await upload(FREE, Buffer.from('nope'), client)).status).toBe(400)
    const first = await upload(FREE, image, client)
    expect(first.headers.get('ratelimit-limit')).toBe('100')
    expect(first.headers.get('ratelimit-remaining')).toBe('99')
    const reset = Number(first.headers.get('ratelimit-reset'))
    const secondsLeft = 86_400 - (Math.floor(Date.now() / 1000) % 86_400)
    expect(Math.abs(reset - secondsLeft)).toBeLessThan(60)
    const others = await Promise.all(Array.from({ length: 120 }, () => upload(FREE, image, client)))
    expect(others.filter(({ status }) => status === 200)).toHaveLength(99)
    const refused = others.find(({ status }) => status === 429)!
    expect((await readError(refused)).error).toBe('daily_limit')
    expect(Math.abs(Number(refused.headers.get('retry-after')) - secondsLeft)).toBeLessThan(60)
    expect(refused.headers.get('ratelimit-remaining')).toBe('0')
    expect((await upload(FREE, image)).status).toBe(200)
  })

  it('counts an address whatever the caller says of itself', async () => {
    const [client, image] = [createCaller(), await createNoise(8)]
    await upload(FREE, image, client)
    const answer = await upload(FREE, image, { ...client, 'CF-Worker': 'another.example' })
    expect(answer.headers.get('ratelimit-remaining')).toBe('98')
  })

  it('counts the addresses of one IPv6 network as one', async () => {
    const image = await createNoise(8)
    const from = (last: string) => ({ 'CF-Connecting-IP': `2001:db8:77:${process.pid & 255}::${last}` })
    await upload(FREE, image, from('1'))
    expect((await upload(FREE, image, from('ffff:2'))).headers.get('ratelimit-remaining')).toBe('98')
  })

  it('is not told in the logs', async () => {
    const { deleteToken } = await readHosted(await upload(FREE, await createNoise()))
    expect(await (await fetch(stack.control)).text()).not.toContain(deleteToken)
  })
})

describe('the host of files', () => {
  it('serves files alone; the same files stand in a folder of the apex', async () => {
    const hosted = await readHosted(await upload(FREE, await createNoise()))
    const path = new URL(hosted.url).pathname
    expect((await fetch(`${stack.gateway}/i${path}`)).status).toBe(200)
    for (const other of ['/openapi.json', '/health', '/', `/i${path}`]) {
      expect([other, (await fetch(new URL(other, locate(hosted)))).status]).toEqual([other, 404])
    }
    const post = await fetch(locate(hosted), { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
  })
})
