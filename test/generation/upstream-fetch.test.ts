import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkOutputUrl } from '../../src/generation/output-url.ts'
import { redact, UpstreamError } from '../../src/generation/upstream-error.ts'
import { createUpstream, type UpstreamCall } from '../../src/generation/upstream-fetch.ts'
import { findPort, type LocalServer, serveLocally } from '../../workers/local/loopback.ts'

const KEY = 'key-0123456789-very-secret'
const servers: LocalServer[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(servers.splice(0).map((server) => server.stop()))
})

/** A server that answers with these by turns, the last one for ever, and remembers what it was asked. */
async function serve(...answers: ((request: Request) => Response | Promise<Response>)[]) {
  const asked: Request[] = []
  const server = await serveLocally(
    (request) => {
      asked.push(request)
      return answers[Math.min(asked.length, answers.length) - 1]!(request)
    },
    { port: 0 },
  )
  servers.push(server)
  return { url: server.url, asked }
}

const status =
  (code: number, headers = {}, body: unknown = { error: {} }) =>
  () =>
    Response.json(body, { status: code, headers })
const good = () => Response.json({ fine: true })
const hang = () => new Promise<Response>(() => undefined)

function create(url: string, renew?: () => void) {
  const pauses: number[] = []
  const upstream = createUpstream({
    baseUrl: url,
    secrets: () => [KEY],
    authorize: { headers: () => ({ 'x-key': KEY }), ...(renew && { renew }) },
    async pause(ms) {
      pauses.push(ms)
    },
  })
  const call = (change: Partial<UpstreamCall> = {}) =>
    upstream.call({ path: '/work', body: {}, isRepeatable: false, timeoutMs: 5_000, maxBytes: 10_000, ...change })
  const download = async (output: string, limits = { maxBytes: 10_000, timeoutMs: 5_000 }) => {
    const pieces: Uint8Array[] = []
    for await (const piece of upstream.openOutput(output, limits)) pieces.push(piece)
    return Buffer.concat(pieces).toString()
  }
  return { call, download, pauses }
}

/** The error that this comes to. */
async function catchError(work: Promise<unknown>): Promise<UpstreamError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(UpstreamError)
  return error as UpstreamError
}

describe('asking again', () => {
  it.each([
    // What begins work: only where it surely did not begin.
    [429, false, 3, false],
    [408, false, 1, true],
    [409, false, 1, true],
    [500, false, 1, true],
    [503, false, 1, true],
    [400, false, 1, false],
    [403, false, 1, false],
    [408, true, 3, true],
    [409, true, 3, true],
    [429, true, 3, false],
    [500, true, 3, true],
    [502, true, 3, true],
    [400, true, 1, false],
    [404, true, 1, false],
  ])('HTTP %i, repeatable %s: %i calls, may have begun %s', async (code, isRepeatable, calls, mayHaveBegun) => {
    const { url, asked } = await serve(status(code))
    const error = await catchError(create(url).call({ isRepeatable }))
    expect([error.problem, error.status, asked.length, error.mayHaveBegun]).toEqual([
      ...(['status', code, calls] as const),
      mayHaveBegun,
    ])
  })

  it('stops as soon as it works', async () => {
    const { url, asked } = await serve(status(429), good)
    expect([await create(url).call(), asked.length]).toEqual([{ fine: true }, 2])
  })

  it('waits for longer each time, and never all callers for as long', async () => {
    const { url } = await serve(status(500))
    const firsts = new Set<number>()
    for (let i = 0; i < 5; i += 1) {
      const { call, pauses } = create(url)
      await catchError(call({ isRepeatable: true }))
      const [first = 0, second = 0] = pauses
      expect(pauses).toHaveLength(2)
      expect(first >= 250 && first <= 500 && second >= 500 && second <= 1000).toBe(true)
      firsts.add(first)
    }
    expect(firsts.size).toBeGreaterThan(1)
  })

  const retryInfo = (delay: string) => ({
    error: { details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: delay }] },
  })
  it.each([
    ['seconds', { 'Retry-After': '3' }, {}, 3000],
    ['a date', { 'Retry-After': 'Fri, 27 Nov 2026 10:00:04 GMT' }, {}, 4000],
    ['a date that is over', { 'Retry-After': 'Fri, 27 Nov 2026 09:00:00 GMT' }, {}, 0],
    ['RetryInfo', {}, retryInfo('2s'), 2000],
    ['RetryInfo in fractions', {}, retryInfo('1.5s'), 1500],
    ['an hour at most', { 'Retry-After': '999999' }, {}, 3_600_000],
    ['nonsense', { 'Retry-After': 'soon' }, {}, null],
    ['nothing', {}, {}, null],
  ])('waits as long as the upstream says: %s', async (_, headers, body, ms) => {
    vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2026-11-27T10:00:00Z'))
    const { url, asked } = await serve(status(429, headers, body))
    const { call, pauses } = create(url)
    const error = await catchError(call())
    expect(error.retryAfterMs).toBe(ms)
    // What is too long to wait for with a connection in hand is told of instead.
    expect(asked.length).toBe((ms ?? 0) > 5000 ? 1 : 3)
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(ms ?? 0)
  })

  it('a connection that is refused began nothing: asked again, even what begins work', async () => {
    const { call, pauses } = create(`http://127.0.0.1:${await findPort({ port: 0 })}`)
    const error = await catchError(call())
    expect([error.problem, error.mayHaveBegun, pauses.length]).toEqual(['unreachable', false, 2])
  })

  it('401 renews the credentials once, and no more', async () => {
    const renew = vi.fn()
    const once = await serve(status(401), good)
    expect(await create(once.url, renew).call()).toEqual({ fine: true })
    const never = await serve(status(401))
    expect((await catchError(create(never.url, renew).call())).status).toBe(401)
    expect([once.asked.length, never.asked.length, renew.mock.calls.length]).toEqual([2, 2, 2])
  })
})

describe('limits', () => {
  it('no answer in time, and one that stops coming: timed_out, and not asked again', async () => {
    const silent = await serve(hang)
    const stalls = await serve(() => new Response(new ReadableStream({ start: (to) => to.enqueue(Buffer.from('{"')) })))
    for (const { url, asked } of [silent, stalls]) {
      const error = await catchError(create(url).call({ timeoutMs: 150, isRepeatable: true }))
      expect([error.problem, error.mayHaveBegun, asked.length]).toEqual(['timed_out', true, 1])
    }
  })

  it('counts an answer while it comes, whatever length it announces', async () => {
    const endless = () => new Response(new ReadableStream({ pull: (to) => to.enqueue(Buffer.from(' '.repeat(1000))) }))
    const { url } = await serve(endless)
    const { call, download } = create(url)
    expect((await catchError(call())).problem).toBe('too_large')
    expect((await catchError(download(`${url}/x`))).problem).toBe('too_large')
  })

  it('an answer of brackets alone is held no longer than it may be', async () => {
    const { url } = await serve(() => new Response('['.repeat(300_000)))
    expect((await catchError(create(url).call({ maxBytes: 1e9 }))).problem).toBe('malformed')
  })
})

describe('credentials', () => {
  it('go with every call to the configured origin', async () => {
    const { url, asked } = await serve(good)
    await create(`${url}/v1/`).call()
    expect([asked[0]!.headers.get('x-key'), new URL(asked[0]!.url).pathname]).toEqual([KEY, '/v1/work'])
  })

  it('follow no redirect', async () => {
    const other = await serve(good)
    for (const code of [301, 302, 303, 307, 308]) {
      const { url } = await serve(status(code, { Location: `${other.url}/steal` }))
      expect((await catchError(create(url).call({ isRepeatable: true }))).problem).toBe('redirected')
    }
    expect(other.asked).toEqual([])
  })

  it('a path that leads to another origin is not asked at all', async () => {
    const [own, other] = [await serve(good), await serve(good)]
    const error = await catchError(create(own.url).call({ path: `@${new URL(other.url).host}/work` }))
    expect([error.problem, own.asked, other.asked]).toEqual(['forbidden_url', [], []])
  })

  it('never go with the download of an output, not even to the configured origin', async () => {
    const { url, asked } = await serve(() => new Response('bytes'))
    expect(await create(url).download(`${url}/out?sig=1`)).toBe('bytes')
    expect([...asked[0]!.headers.keys()].filter((name) => /key|auth|cookie/.test(name))).toEqual([])
  })

  it('are in no error, nor is a URL, whatever the upstream quotes', async () => {
    const others = 'Bearer abc.def-ghi ya29.c.token sk-abcdefgh1234'
    const quote = `${KEY} ${encodeURIComponent(KEY)} https://x.example/?k=${KEY} ${others}`
    const { url } = await serve(status(400, {}, { error: { message: quote, [KEY]: [quote] } }))
    const refused = await catchError(create(url).call())
    const nowhere = await catchError(create(`http://127.0.0.1:${await findPort({ port: 0 })}/${KEY}`).call())
    for (const error of [refused, nowhere]) {
      const text = `${error.message} ${error.stack} ${JSON.stringify(error)} ${JSON.stringify(error.body)}`
      expect(text).not.toMatch(/very-secret|https?:|abc\.def|ya29\.c|sk-abc/)
      expect(error.cause).toBeUndefined()
    }
  })

  it('redact takes out keys in PEM, whole or cut off', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----'
    expect(redact(`a ${pem} b`, [])).toBe('a [secret] b')
    expect(redact(`a ${pem.slice(0, 30)}`, [])).toBe('a [secret]')
  })
})

describe('outputs', () => {
  const base = new URL('https://api.example.com/v1')
  it.each([
    ...['http://cdn.example.net/x', 'ftp://cdn.example.net/x', 'data:image/png,x', 'file:///etc/passwd', 'nonsense'],
    ...[
      'https://localhost/x',
      'https://a.localhost/x',
      'https://localhost./x',
      'https://router/x',
      'https://db.internal/',
    ],
    ...['https://127.0.0.1/x', 'https://2130706433/x', 'https://0x7f.1/x', 'https://017700000001/x', 'https://0/x'],
    ...['https://10.1.2.3/x', 'https://169.254.169.254/x', 'https://192.168.1.1/', 'https://100.64.0.1/'],
    ...[
      'https://[::1]/x',
      'https://[::ffff:127.0.0.1]/x',
      'https://[fd00::1]/x',
      'https://[fe80::1]/',
      'https://8.8.8.8/',
    ],
    ...['https://user:password@cdn.example.net/x', 'https://user@cdn.example.net/x', 'http://api.example.com/x'],
  ])('are not fetched from %s', (url) => {
    expect(() => checkOutputUrl(url, base)).toThrow(UpstreamError)
    expect(() => checkOutputUrl(url, base)).not.toThrow(/example|localhost|127|169/)
  })

  it.each(['https://cdn.example.net/x?sig=1', 'https://api.example.com/files/1', 'https://cdn.example.net:8443/x'])(
    'are fetched from %s',
    (url) => {
      expect(checkOutputUrl(url, base).href).toBe(url)
    },
  )

  it('plain http and addresses are for the configured origin alone', () => {
    const local = new URL('http://127.0.0.1:8080/v1')
    expect(checkOutputUrl('http://127.0.0.1:8080/out', local).pathname).toBe('/out')
    expect(() => checkOutputUrl('http://127.0.0.1:8081/out', local)).toThrow(UpstreamError)
    expect(() => checkOutputUrl('http://cdn.example.net/out', local)).toThrow(UpstreamError)
  })

  it('redirects are followed by hand, three at most, each looked at', async () => {
    const other = await serve(() => new Response('stolen'))
    const to = (Location: string) => status(302, { Location })
    const three = await serve(to('/2'), to('/3'), to('/4'), () => new Response('there'))
    expect(await create(three.url).download(`${three.url}/1`)).toBe('there')
    const four = await serve(to('/again'))
    expect((await catchError(create(four.url).download(`${four.url}/1`))).problem).toBe('redirected')
    expect(four.asked.length).toBe(4)
    const away = await serve(to(`${other.url}/x`))
    expect((await catchError(create(away.url).download(`${away.url}/1`))).problem).toBe('forbidden_url')
    expect(other.asked).toEqual([])
  })

  it.each([403, 404, 410])('HTTP %i: it is gone, and asking again is no use', async (code) => {
    const { url, asked } = await serve(status(code))
    expect([(await catchError(create(url).download(`${url}/x`))).problem, asked.length]).toEqual(['expired', 1])
  })

  it('one that breaks off is an error, not a shorter one', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'Content-Length': '8' })
      response.write('half', () => response.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const error = await catchError(create(url).download(`${url}/x`))
    server.close()
    expect([error.problem, error.mayHaveBegun]).toEqual(['lost', true])
  })
})
