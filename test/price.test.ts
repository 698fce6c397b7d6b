import { describe, expect, it } from 'vitest'
import { addPrices, isLess, multiplyPrice } from '../src/price.ts'

describe('prices', () => {
  it.each([
    ['0.05', '0.01', '0.06'],
    ['0.1', '0.2', '0.3'],
    ['0.95', '0.05', '1'],
    ['0.000001', '999999', '999999.000001'],
    ['5', '0', '5'],
  ])('add %s and %s to %s, without a float', (a, b, sum) => {
    expect(addPrices(a, b)).toBe(sum)
  })

  it.each([
    ['0.1', 3, '0.3'],
    ['0.05', 8, '0.4'],
    ['0.000001', 7, '0.000007'],
  ])('of %s times %i are %s', (price, times, product) => {
    expect(multiplyPrice(price, times)).toBe(product)
  })

  it('are compared as numbers, not as text', () => {
    expect([isLess('0.9', '0.10'), isLess('0.09', '0.1'), isLess('10', '9')]).toEqual([false, true, false])
  })
})
