import { beforeAll, describe, expect, it } from 'vitest'
import { createPayer, stack, v2 } from './kit.ts'
import {
  createNoise,
  FREE,
  get,
  type Hosted,
  locate,
  readError,
  readHosted,
  signCent,
  UPLOAD,
  upload,
} from './kit-hosting.ts'
import { at } from './kit-mpp.ts'

let image: Buffer
let file: Hosted
beforeAll(async () => {
  image = await createNoise(60)
  file = await readHosted(await upload(FREE, image))
})

const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer())
const statusOf = async (path: string) => (await fetch(at('i') + path)).status

describe('GET of a hosted file', () => {
  it('gives the bytes with the headers of the contract', async () => {
    const answer = await get(file)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(image.length),
      'cache-control': 'public, max-age=604800',
      'cdn-cache-control': expect.stringMatching(/^max-age=604[78]\d\d$/),
      etag: expect.stringMatching(/^"[^"]+"$/),
      'accept-ranges': 'bytes',
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    })
    expect(answer.headers.has('vary')).toBe(false)
    expect((await bytesOf(answer)).equals(image)).toBe(true)
  })

  it('of a paid one may be kept for a year by clients', async () => {
    const paid = await readHosted(await upload(UPLOAD, image, v2(await signCent(await createPayer()))))
    const { headers } = await get(paid)
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(Number(headers.get('cdn-cache-control')?.slice('max-age='.length))).toBeGreaterThan(31_535_000)
  })

  it('is 304 when it has not changed', async () => {
    const etag = (await get(file)).headers.get('etag')!
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await get(file, { headers: { 'If-None-Match': tag } })
      expect([tag, answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([tag, 304, etag, ''])
    }
    expect((await get(file, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200)
  })

  it('has a HEAD', async () => {
    const answer = await get(file, { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([
      200,
      `${image.length}`,
      '',
    ])
  })

  it.each([
    ['bytes=0-9', 0, 9],
    ['bytes=5-', 5, -1],
    ['bytes=-7', -7, -1],
    ['bytes=-99999999', 0, -1],
    ['bytes=10-99999999', 10, -1],
    ['bytes=0-0', 0, 0],
  ])('gives the range %s', async (range, first, last) => {
    const [from, to] = [first, last].map((at) => (at < 0 ? image.length + at : at)) as [number, number]
    const answer = await get(file, { headers: { Range: range } })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to}/${image.length}`])
    expect((await bytesOf(answer)).equals(image.subarray(from, to + 1))).toBe(true)
  })

  it.each(['bytes=99999999-', 'bytes=-0'])('answers 416 to the range %s, which it does not have', async (range) => {
    const answer = await get(file, { headers: { Range: range } })
    expect([answer.status, answer.headers.get('content-range')]).toEqual([416, `bytes */${image.length}`])
    expect((await readError(answer)).error).toBe('range_not_satisfiable')
  })

  it.each(['bytes=0-1,3-4', 'bytes=5-2', 'lines=1-2', 'bytes=x'])('ignores the range %s', async (range) => {
    expect((await get(file, { headers: { Range: range } })).status).toBe(200)
  })

  it('gives a range only of the file that is meant', async () => {
    const etag = (await get(file)).headers.get('etag')!
    const ask = async (tag: string) => (await get(file, { headers: { Range: 'bytes=0-9', 'If-Range': tag } })).status
    expect([await ask(etag), await ask('"other"')]).toEqual([206, 200])
  })

  it('is 404 for a wrong extension, an unknown id and anything else, and forgotten after 30 s', async () => {
    const { id } = file
    for (const path of [
      `/${id}.jpg`,
      `/${'A'.repeat(22)}.png`,
      `/${id}`,
      `/${id}.PNG`,
      `/${id}.png/x`,
      '/%',
      `/${id}x.png`,
    ]) {
      expect([path, await statusOf(path)]).toEqual([path, 404])
    }
    const answer = await fetch(locate(file).replace('.png', '.gif'))
    expect(answer.headers.get('cache-control')).toBe('public, max-age=30')
    expect((await readError(answer)).error).toBe('not_found')
  })

  it('takes parameters that are none of its own, as pasted addresses have them', async () => {
    expect((await get(file, {}, '?utm_source=x&raw=1')).status).toBe(200)
  })

  it.each(['Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)', 'github-camo (876de43e)'])(
    'is served to %s, which sends no Accept',
    async (agent) => {
      const { request } = await import('node:http')
      const url = new URL(`${stack.gateway}/i${new URL(file.url).pathname}`)
      const status = await new Promise((resolve, reject) => {
        request(String(url), { headers: { 'User-Agent': agent } }, (answer) => resolve(answer.resume().statusCode))
          .on('error', reject)
          .end()
      })
      expect(status).toBe(200)
    },
  )

  it('may be asked for by the scripts of any page', async () => {
    const headers = {
      Origin: 'https://a.example',
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'range',
    }
    const answer = await get(file, { method: 'OPTIONS', headers })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    expect(answer.headers.get('access-control-allow-headers')).toContain('range')
  })
})

describe('the manageUrl of a file', () => {
  const manage = ({ id }: Hosted, token: string | null, method = 'GET') =>
    fetch(`${stack.gateway}/api/files/${id}`, {
      method,
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
    })

  it('tells its owner size, type and expiry', async () => {
    const answer = await manage(file, file.deleteToken)
    const { id, contentType, sizeBytes, expiresAt } = file
    expect([answer.status, await answer.json()]).toEqual([200, { id, contentType, sizeBytes, expiresAt }])
  })

  it('tells and deletes nothing for anybody else', async () => {
    const wrong = [
      null,
      '',
      'x'.repeat(40),
      file.deleteToken.toUpperCase(),
      (await readHosted(await upload(FREE, image))).deleteToken,
    ]
    for (const token of wrong) {
      for (const method of ['GET', 'DELETE']) {
        const answer = await manage(file, token, method)
        expect([token, answer.status, (await readError(answer)).error]).toEqual([token, 401, 'invalid_token'])
      }
    }
    expect((await get(file)).status).toBe(200)
  })

  it('deletes it at once, and then there is none', async () => {
    const own = await readHosted(await upload(FREE, image))
    const gone = await manage(own, own.deleteToken, 'DELETE')
    expect([gone.status, await gone.json()]).toEqual([200, { id: own.id, deleted: true }])
    expect((await get(own)).status).toBe(404)
    for (const method of ['GET', 'DELETE']) expect((await manage(own, own.deleteToken, method)).status).toBe(404)
  })

  it('of no file is 404', async () => {
    expect((await manage({ ...file, id: 'nothing' }, file.deleteToken)).status).toBe(404)
  })
})
