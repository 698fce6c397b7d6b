import { describe, expect, it } from 'vitest'
import { hashAddress, readAddress } from '../../src/payments/replay-proof.ts'

const from = (address: string, more: Record<string, string> = {}) =>
  readAddress(new Headers({ 'CF-Connecting-IP': address, ...more }))

describe('the address that a request comes from', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as %s', (address, counted) => {
    expect(from(address)).toBe(counted)
  })

  it('is the same within one /64, and another beside it', () => {
    expect(from('2001:db8:1:2::a')).toBe(from('2001:db8:1:2:ffff::b'))
    expect(from('2001:db8:1:2::a')).not.toBe(from('2001:db8:1:3::a'))
  })

  it('proves nothing for a caller that is a Worker, or that is not known', () => {
    expect(from('198.51.100.7', { 'CF-Worker': 'example.com' })).toBeNull()
    expect(readAddress(new Headers())).toBeNull()
  })

  it('is kept as a hash that is of use for one payment alone', async () => {
    const one = await hashAddress('198.51.100.7', 'x402:1')
    expect(one).toMatch(/^[\da-f]{64}$/)
    expect(await hashAddress('198.51.100.7', 'x402:2')).not.toBe(one)
    expect(await hashAddress(null, 'x402:1')).toBeNull()
  })
})
