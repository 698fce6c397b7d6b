import { describe, expect, test } from 'vitest'
import { isEmpty } from '../../workers/matte/alpha.ts'

describe('a matte', () => {
  const matteOf = (foreground: number, value = 128) => {
    const alpha = new Uint8Array(100 * 100)
    return { alpha: alpha.fill(value, 0, foreground), size: 100 }
  }
  test('with fewer than 0.1 % above one half is empty', () => expect(isEmpty(matteOf(9))).toBe(true))
  test('with 0.1 % is not', () => expect(isEmpty(matteOf(10))).toBe(false))
  test('of one half itself is empty', () => expect(isEmpty(matteOf(10_000, 127))).toBe(true))
})
