import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { createGoogleToken, readServiceAccount, type ServiceAccount } from '../../src/generation/google-token.ts'
import { UpstreamError } from '../../src/generation/upstream-error.ts'
import { createProvider, createSinks, hasty, useUpstreams } from './kit.ts'

const upstreams = useUpstreams()
const { setFaults, watch, reported } = upstreams
const readAccount = () => readServiceAccount(upstreams.values.VERTEX_SERVICE_ACCOUNT!)
const create = (change: Partial<ServiceAccount> = {}) => createGoogleToken({ ...readAccount(), ...change }, hasty.pause)

const task = {
  ...({ kind: 'video', upstreamId: 'veo-3.1-fast-generate-001', prompt: 'a cat', aspectRatio: '16:9' } as const),
  ...{ resolution: '720p', durationSeconds: 4 },
}

describe('tokens of a service account', () => {
  it('are signed for: the simulator checks signature, audience, scope and times', async () => {
    expect((await create().headers()).authorization).toMatch(/^Bearer ya29\.c\..{1000}/)
  })

  it('are kept until a minute before they expire', async () => {
    const start = Date.now()
    const clock = vi.spyOn(Date, 'now').mockReturnValue(start)
    const token = create()
    const read = async (seconds: number) => {
      clock.mockReturnValue(start + seconds * 1000)
      return (await token.headers()).authorization
    }
    const calls = await watch(async () => {
      const first = await read(0)
      // The simulator gives them for 3,599 seconds.
      expect(await read(3538)).toBe(first)
      expect(await read(3540)).not.toBe(first)
    })
    expect(calls.map(({ op }) => op)).toEqual(['token', 'token'])
  })

  it('are fetched anew once when the upstream answers 401, and the call goes on', async () => {
    const provider = createProvider('veo', upstreams.values)
    const { sinks } = createSinks()
    await setFaults({ op: 'veo.start', mode: 'json', status: 401, body: {}, count: 1 })
    const calls = await watch(async () => expect((await provider.start(task, sinks)).kind).toBe('running'))
    expect(calls.map(({ op, status }) => [op, status])).toEqual([
      ['token', 200],
      ['veo.start', 401],
      ['token', 200],
      ['veo.start', 200],
    ])
  })

  it('are fetched anew no second time for one call', async () => {
    const provider = createProvider('veo', upstreams.values)
    await setFaults({ op: 'veo.start', mode: 'json', status: 401, body: {} })
    const calls = await watch(async () =>
      expect(await provider.start(task, createSinks().sinks)).toMatchObject({ code: 'upstream_failed' }),
    )
    expect(calls.map(({ op }) => op)).toEqual(['token', 'veo.start', 'token', 'veo.start'])
    expect(reported).toHaveLength(1)
  })

  it.each([429, 500, 503])('are asked for again after HTTP %i: nothing is begun twice by that', async (status) => {
    await setFaults({ op: 'token', mode: 'json', status, body: {}, count: 2 })
    expect((await create().headers()).authorization).toMatch(/^Bearer /)
  })

  it.each([
    [
      'another key',
      () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    ['no key', () => 'not a key at all, and secret'],
    ['half a key', () => readAccount().private_key.slice(0, 600)],
  ])('%s: unauthorized, and nothing of it is said', async (_, createKey) => {
    const private_key = createKey().toString()
    const error = await Promise.resolve(create({ private_key }).headers()).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(UpstreamError)
    const { problem, message, cause, mayHaveBegun } = error as UpstreamError
    expect([problem, cause, mayHaveBegun]).toEqual(['unauthorized', undefined, false])
    expect(message).not.toMatch(/secret(?!])|MII/)
  })

  it('are among the secrets, and so is every line of the private key', async () => {
    const token = create()
    const { authorization = '' } = await token.headers()
    const lines = readAccount()
      .private_key.split('\n')
      .filter((line) => /^[\w+/=]{60,}$/.test(line))
    expect(lines.length).toBeGreaterThan(10)
    expect(token.secrets()).toEqual(expect.arrayContaining([authorization.slice(7), ...lines]))
  })
})

describe('the key file', () => {
  it.each([
    ['no JSON', 'secret', /is not JSON/],
    ['no object', '"secret"', /has no project_id, client_email/],
    ['without its key', JSON.stringify({ project_id: 'p', client_email: 'e' }), /has no private_key_id, private_key/],
  ])('%s: says what is missing and quotes nothing', (_, text, message) => {
    expect(() => readServiceAccount(text)).toThrow(message)
    expect(() => readServiceAccount(text)).not.toThrow(/secret/)
  })
})
