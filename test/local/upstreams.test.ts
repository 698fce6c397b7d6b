import { createHash } from 'node:crypto'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createGoogleToken, readServiceAccount } from '../../src/generation/google-token.ts'
import { serveLocally } from '../../workers/local/loopback.ts'
import { startUpstreams, type Upstreams } from '../../workers/local/upstreams/index.ts'

let upstreams: Upstreams
let bearer: string

beforeAll(async () => {
  upstreams = await startUpstreams()
  const account = readServiceAccount(upstreams.values.VERTEX_SERVICE_ACCOUNT!)
  bearer = (await createGoogleToken(account).headers()).authorization!
})
afterAll(() => upstreams.stop())
afterEach(() => setFaults([]))

const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${upstreams.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const setFaults = (faults: unknown) => send('/_fault', faults)

const VERTEX = '/vertex/v1/projects/pixtoll-simulated/locations/us-central1/publishers/google/models'
const credentials: Readonly<Record<string, () => Record<string, string>>> = {
  gemini: () => ({ 'x-goog-api-key': upstreams.values.GEMINI_API_KEY! }),
  vertex: () => ({ authorization: bearer }),
  ark: () => ({ authorization: `Bearer ${upstreams.values.ARK_API_KEY}` }),
  openai: () => ({ authorization: `Bearer ${upstreams.values.OPENAI_IMAGES_API_KEY}` }),
}
const authorize = (path: string) => credentials[path.split('/')[1]!]!()

const gemini = (imageConfig: unknown = {}, rest: object = {}) => ({
  contents: [{ parts: [{ text: 'a cat' }] }],
  generationConfig: { responseModalities: ['IMAGE'], imageConfig, ...rest },
})
const veo = (parameters: object = {}) => ({
  instances: [{ prompt: 'a cat' }],
  parameters: { sampleCount: 1, generateAudio: true, ...parameters },
})
const ark = (change: object = {}) => ({
  model: 'seedream-4-5-251128',
  prompt: 'x',
  size: '2K',
  watermark: false,
  ...change,
})
const openai = (change: object = {}) => ({ model: 'sd-local', prompt: 'x', n: 1, size: '64x64', ...change })

const GEMINI = '/gemini/v1beta/models/gemini-3-pro-image:generateContent'
const ARK = '/ark/api/v3/images/generations'
const OPENAI = '/openai/v1/images/generations'
const FAST = `${VERTEX}/veo-3.1-fast-generate-001:predictLongRunning`
const LITE = `${VERTEX}/veo-3.1-lite-generate-001:predictLongRunning`

/** What the product sends for a token: it is given an address that keeps it. */
async function catchAssertion(): Promise<string> {
  const account = readServiceAccount(upstreams.values.VERTEX_SERVICE_ACCOUNT!)
  let sent = ''
  const server = await serveLocally(
    async (request) => {
      sent = new URLSearchParams(await request.text()).get('assertion') ?? ''
      return Response.json({ access_token: 'x', expires_in: 1 })
    },
    { port: 0 },
  )
  await createGoogleToken({ ...account, token_uri: server.url }).headers()
  await server.stop()
  return sent
}

describe('what the real ones refuse', () => {
  it.each([
    ['a size in lower case', GEMINI, gemini({ imageSize: '2k' }), 400, 'INVALID_ARGUMENT'],
    ['a size that there is not', GEMINI, gemini({ imageSize: '512' }), 400, 'INVALID_ARGUMENT'],
    ['a ratio that there is not', GEMINI, gemini({ aspectRatio: '1:8' }), 400, 'INVALID_ARGUMENT'],
    ['an unknown field', GEMINI, gemini({}, { negativePrompt: 'dog' }), 400, 'INVALID_ARGUMENT'],
    ['no contents', GEMINI, {}, 400, 'INVALID_ARGUMENT'],
    ['no JSON', GEMINI, '{', 400, 'INVALID_ARGUMENT'],
    ['a model that is gone', GEMINI.replace('3-pro', '2.5-flash'), gemini(), 404, 'NOT_FOUND'],
    ['another method', GEMINI.replace(':generateContent', ':generate'), gemini(), 404, 'NOT_FOUND'],
    ['five seconds', FAST, veo({ durationSeconds: 5 }), 400, 'INVALID_ARGUMENT'],
    ['a square video', FAST, veo({ aspectRatio: '1:1' }), 400, 'INVALID_ARGUMENT'],
    ['4K of the lite one', LITE, veo({ resolution: '4k' }), 400, 'INVALID_ARGUMENT'],
    ['an unknown field', FAST, veo({ size: '720p' }), 400, 'INVALID_ARGUMENT'],
    ['a model that is gone', FAST.replace('3.1', '2.0'), veo(), 404, 'NOT_FOUND'],
    ['another project', FAST.replace('pixtoll', 'other'), veo(), 404, 'NOT_FOUND'],
    ['an operation of nobody', FAST.replace(/:.*/, ':fetchPredictOperation'), { operationName: 'x' }, 404, 'NOT_FOUND'],
    ['1K of 4.5', ARK, ark({ size: '1K' }), 400, 'InvalidParameter'],
    ['too few pixels', ARK, ark({ size: '1024x1024' }), 400, 'InvalidParameter'],
    ['too many pixels', ARK, ark({ size: '8000x8000' }), 400, 'InvalidParameter'],
    ['too wide a picture', ARK, ark({ size: '16000x900' }), 400, 'InvalidParameter'],
    ['a ratio', ARK, ark({ aspect_ratio: '1:1' }), 400, 'InvalidParameter'],
    ['a seed', ARK, ark({ seed: 1 }), 400, 'InvalidParameter'],
    ['a model that is gone', ARK, ark({ model: 'seedream-3-0' }), 404, 'InvalidEndpointOrModel.NotFound'],
    ['a ratio', OPENAI, openai({ aspect_ratio: '1:1' }), 400, 'invalid_value'],
    [
      'base64 of gpt-image',
      OPENAI,
      openai({ model: 'gpt-image-1', size: 'auto', response_format: 'b64_json' }),
      400,
      'unknown_parameter',
    ],
    ['a size that there is not', OPENAI, openai({ model: 'dall-e-3', size: '512x512' }), 400, 'invalid_value'],
    ['a model that is gone', OPENAI, openai({ model: 'dall-e-1' }), 404, 'model_not_found'],
  ])('%s at %s', async (_, path, body, status, code) => {
    const response = await send(path, body, authorize(path))
    const { error } = (await response.json()) as { error: { code: unknown; status: unknown; message: string } }
    expect([response.status, error.message]).toEqual([status, expect.any(String)])
    expect([error.code, error.status]).toContain(code)
  })

  it.each([
    [GEMINI, gemini(), {}, 403],
    [GEMINI, gemini(), { 'x-goog-api-key': 'AIzaOther' }, 400],
    [FAST, veo(), {}, 401],
    [FAST, veo(), { authorization: 'Bearer ya29.other' }, 401],
    [ARK, ark(), {}, 401],
    [OPENAI, openai(), { authorization: 'Bearer sk-other' }, 401],
  ])('%s without the right key', async (path, body, headers, status) => {
    expect((await send(path, body, headers)).status).toBe(status)
  })

  const claims = Buffer.from('{"iss":"x"}').toString('base64url')
  it.each([
    ['a signature of somebody else', (text: string) => `${text.slice(0, -20)}${'A'.repeat(20)}`, /Signature/],
    ['claims that were changed', (text: string) => text.replace(/\.[^.]+\./, `.${claims}.`), /Signature/],
    ['another audience', (text: string) => text, /wrong aud/],
    ['no assertion', () => '', /Invalid JWT/],
  ])('a token for %s', async (_, change, reason) => {
    const assertion = change(await catchAssertion())
    const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
    const response = await fetch(`${upstreams.url}/oauth/token`, { method: 'POST', body })
    const answer = { error: 'invalid_grant', error_description: expect.stringMatching(reason) }
    expect([response.status, await response.json()]).toEqual([400, answer])
  })

  it('a key at the storage of outputs, and a URL whose signature is not its own', async () => {
    const answer = await (await send(ARK, ark(), authorize(ARK))).json()
    const { url } = (answer as { data: [{ url: string }] }).data[0]
    const read = async (address: string, headers = {}) => (await fetch(address, { headers })).status
    expect([
      await read(url),
      await read(url, { authorization: 'Bearer x' }),
      await read(url.replace('Signature=sig', 'Signature=x')),
    ]).toEqual([200, 400, 403])
  })
})

describe('faults', () => {
  it.each([
    ['an unknown mode', [{ op: 'gemini', mode: 'fire' }]],
    ['a mode of others', [{ op: 'gemini', mode: 'expired_url' }]],
    ['an unknown operation', [{ op: 'dalle', mode: '500' }]],
    ['no list', {}],
  ])('%s: 400', async (_, faults) => {
    expect((await setFaults(faults)).status).toBe(400)
  })

  const ask = () => send(OPENAI, openai({ response_format: 'b64_json' }), authorize(OPENAI))

  it('cut: a good status, half of the answer, and the end of the connection', async () => {
    await setFaults([{ op: 'openai-images', mode: 'cut' }])
    const response = await ask()
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  it('truncated: a good status, and half of the answer as if it were all', async () => {
    await setFaults([{ op: 'openai-images', mode: 'truncated' }])
    expect(await (await ask()).text()).toMatch(/^{"created":\d+,"data":\[{"b64_json":"[^"]+$/)
  })

  it('slow: the same answer in many pieces', async () => {
    await setFaults([{ op: 'openai-images', mode: 'slow' }])
    const pieces: number[] = []
    for await (const piece of (await ask()).body!) pieces.push(piece.length)
    expect(pieces.length).toBeGreaterThan(3)
  })

  it('rate_limited: with RetryInfo where Google does it, else with Retry-After', async () => {
    await setFaults(['gemini', 'seedream'].map((op) => ({ op, mode: 'rate_limited', seconds: 7 })))
    const google = await send(GEMINI, gemini(), authorize(GEMINI))
    const other = await send(ARK, ark(), authorize(ARK))
    expect([google.status, google.headers.get('retry-after')]).toEqual([429, null])
    expect(JSON.stringify(await google.json())).toContain('"retryDelay":"7s"')
    expect([other.status, other.headers.get('retry-after')]).toEqual([429, '7'])
  })

  it('the log says what struck, and keeps no credentials', async () => {
    await setFaults([{ op: 'openai-images', mode: '500' }])
    await ask()
    const text = await (await fetch(`${upstreams.url}/_log`)).text()
    expect(JSON.parse(text).at(-1)).toMatchObject({ op: 'openai-images', fault: '500', status: 500 })
    for (const name of ['GEMINI_API_KEY', 'ARK_API_KEY', 'OPENAI_IMAGES_API_KEY'])
      expect(text).not.toContain(upstreams.values[name])
    expect(text).not.toContain(bearer)
  })
})

describe('outputs', () => {
  it('are real pictures of the ratio, and the video is the one that was given', async () => {
    const answer = await (
      await send(GEMINI, gemini({ aspectRatio: '9:16', imageSize: '1K' }), authorize(GEMINI))
    ).json()
    const [{ content }] = (answer as { candidates: [{ content: { parts: [{ inlineData: { data: string } }] } }] })
      .candidates
    const data = Buffer.from(content.parts[0].inlineData.data, 'base64')
    expect(await sharp(data).metadata()).toMatchObject({ format: 'jpeg', width: 36, height: 64 })
    const video = Buffer.from('\0\0\0\x18ftypmp42 and more', 'latin1')
    const own = await startUpstreams({ video })
    try {
      const account = readServiceAccount(own.values.VERTEX_SERVICE_ACCOUNT!)
      const headers = { 'content-type': 'application/json', ...(await createGoogleToken(account).headers()) }
      const call = async (path: string, body: unknown) =>
        (await fetch(own.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
      const { name: operationName } = (await call(FAST, veo())) as { name: string }
      const poll = () => call(FAST.replace(/:.*/, ':fetchPredictOperation'), { operationName })
      expect(await poll()).toEqual({ name: operationName })
      const done = (await poll()) as { response: { videos: [{ bytesBase64Encoded: string }] } }
      const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
      expect(hash(Buffer.from(done.response.videos[0].bytesBase64Encoded, 'base64'))).toBe(hash(video))
    } finally {
      await own.stop()
    }
  })
})
