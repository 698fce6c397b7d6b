import { afterEach, describe, expect, it, vi } from 'vitest'
import { CHALLENGE_LIFE_S, createChallengeTokens } from '../../src/payments/challenge-token.ts'
import type { Ask } from '../../src/payments/protocol.ts'

const ask: Ask = {
  method: 'POST',
  route: '/v1/a',
  resource: '',
  realm: '',
  description: '',
  mimeType: '',
  price: '0.05',
}
const tokens = createChallengeTokens('s'.repeat(32), 'x402 eip155:84532')

afterEach(() => vi.useRealTimers())

describe('a challenge token', () => {
  it('holds its amount and its end', async () => {
    vi.useFakeTimers({ now: 1_700_000_000_000, toFake: ['Date'] })
    const token = await tokens.create(ask, '50000')
    expect(await tokens.read(ask, token)).toEqual({ amount: '50000', expires: 1_700_000_000 + CHALLENGE_LIFE_S })
  })

  it('is never the same twice', async () => {
    expect(await tokens.create(ask, '50000')).not.toBe(await tokens.create(ask, '50000'))
  })

  it.each([
    ['another route', { ...ask, route: '/v1/b' }],
    ['another method', { ...ask, method: 'GET' }],
  ])('means nothing on %s', async (_, other) => {
    expect(await tokens.read(other, await tokens.create(ask, '50000'))).toBeNull()
  })

  it.each([
    ['another secret', createChallengeTokens('t'.repeat(32), 'x402 eip155:84532')],
    ['another network', createChallengeTokens('s'.repeat(32), 'x402 eip155:8453')],
  ])('means nothing under %s', async (_, other) => {
    expect(await other.read(ask, await tokens.create(ask, '50000'))).toBeNull()
  })

  it('means nothing once any character of it is changed', async () => {
    const token = await tokens.create(ask, '50000')
    for (let at = 0; at < token.length - 1; at++) {
      const changed = token.slice(0, at) + (token[at] === '1' ? '2' : '1') + token.slice(at + 1)
      expect(await tokens.read(ask, changed), `character ${at}`).toBeNull()
    }
  })

  it.each(['', '....', 'A'.repeat(80), '1.2.3.4'])('is not "%s"', async (text) => {
    expect(await tokens.read(ask, text)).toBeNull()
  })
})
