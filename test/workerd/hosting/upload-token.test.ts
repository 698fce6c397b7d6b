import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'
import type { HostedFile } from '../../../src/hosting/hosted-file.ts'
import type { TokenState, UploadTokenClient } from '../../../src/hosting/upload-token.ts'
import { HOUR_MS, start, uploadTokens, useCleanSlate } from './kit.ts'

useCleanSlate()

let count = 0
function openToken() {
  count += 1
  const stub = uploadTokens.getByName(`right ${count}`)
  return { stub, token: stub as unknown as UploadTokenClient }
}

const fileNamed = (id: string): HostedFile => ({
  id,
  contentType: 'image/png',
  sizeBytes: 3,
  expiresAt: start + HOUR_MS,
  deleteToken: 'secret',
  hashes: ['a'],
})
const secretOf = (state: TokenState) => (state.kind === 'unspent' ? state.secret : 'none')
const MINUTES_10 = 10 * 60_000

describe('a right to one upload', () => {
  it('is a token of 20 hexadecimal digits for 10 minutes, the same as often as it is asked for', async () => {
    const { token } = openToken()
    const first = await token.issue()
    expect(first).toEqual({
      kind: 'unspent',
      secret: expect.stringMatching(/^[0-9a-f]{20}$/),
      expiresAt: start + MINUTES_10,
    })
    vi.setSystemTime(start + MINUTES_10 - 1)
    expect(await token.issue()).toEqual(first)
  })

  it('is replaced when it died unspent, and the dead one is nothing any more', async () => {
    const { token } = openToken()
    const dead = secretOf(await token.issue())
    vi.setSystemTime(start + MINUTES_10)
    expect(await token.look({ secret: dead, since: start + MINUTES_10 })).toEqual({ kind: 'expired' })
    const fresh = secretOf(await token.issue())
    expect(fresh).not.toBe(dead)
    expect(await token.look({ secret: dead, since: start + MINUTES_10 })).toEqual({ kind: 'unknown' })
    expect(await token.look({ secret: fresh, since: start + MINUTES_10 })).toEqual({ kind: 'unspent' })
  })

  it('may still be spent by an upload that began before it died', async () => {
    const { token } = openToken()
    const secret = secretOf(await token.issue())
    vi.setSystemTime(start + MINUTES_10 + 5_000)
    const spent = await token.spend({ secret, since: start + MINUTES_10 - 1 }, 'an image', fileNamed('one'))
    expect(spent).toEqual({ kind: 'spent', upload: 'an image', file: fileNamed('one') })
  })

  it('is spent once: whoever comes later hears of the first', async () => {
    const { token } = openToken()
    const secret = secretOf(await token.issue())
    const bearer = { secret, since: start }
    const both = [token.spend(bearer, 'one', fileNamed('1')), token.spend(bearer, 'two', fileNamed('2'))]
    const first = { kind: 'spent', upload: 'one', file: fileNamed('1') }
    expect(await Promise.all(both)).toEqual([first, first])
    expect(await token.issue()).toEqual(first)
    expect(await token.look('payer')).toEqual(first)
  })

  it('is spent by whoever paid for it without a token, and the token with it', async () => {
    const { token } = openToken()
    const secret = secretOf(await token.issue())
    await token.spend('payer', 'one', fileNamed('1'))
    const later = await token.spend({ secret, since: start }, 'two', fileNamed('2'))
    expect(later).toEqual({ kind: 'spent', upload: 'one', file: fileNamed('1') })
  })

  it('that never was a token has none to be guessed', async () => {
    const { token } = openToken()
    await token.spend('payer', 'one', fileNamed('1'))
    for (const secret of ['', 'null', '0'.repeat(20)]) {
      expect(await token.look({ secret, since: start })).toEqual({ kind: 'unknown' })
    }
  })

  it('that nobody bought is unknown, and takes no storage', async () => {
    const { stub, token } = openToken()
    expect(await token.look({ secret: '0'.repeat(20), since: start })).toEqual({ kind: 'unknown' })
    expect(await token.spend({ secret: '', since: start }, 'one', fileNamed('1'))).toEqual({ kind: 'unknown' })
    expect(await runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()])).toEqual([])
  })

  it('is forgotten when its payment cannot be shown any more', async () => {
    const { stub, token } = openToken()
    await token.spend('payer', 'one', fileNamed('1'))
    const alarm = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
    expect(alarm).toBeGreaterThan(start + 24 * HOUR_MS)
    await runDurableObjectAlarm(stub)
    expect(await runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()])).toEqual([])
  })
})
