import { expect, test } from 'vitest'
import { readAlpha } from '../../models/meaning.ts'

const read = (meaning: Parameters<typeof readAlpha>[1], ...values: number[]) => [
  ...readAlpha(Float32Array.from(values), meaning),
]

test('alpha is brought to 8 bits, rounded and clamped; what is no number is ground', () => {
  expect(read('alpha', -1, 0, 0.5, 0.999, 1, 2, Number.NaN)).toEqual([0, 0, 128, 255, 255, 255, 0])
})

test('a logit goes through the sigmoid', () => {
  expect(read('logit', 0, Math.log(3), -Math.log(3), 100, -100)).toEqual([128, 191, 64, 255, 0])
})

test('what wants stretching is stretched from its least to its greatest value', () => {
  expect(read('minmax', 0.25, 0.5, 0.75)).toEqual([0, 128, 255])
})

test('an answer without a subject is not stretched into one', () => {
  expect(read('minmax', 0, 0.05, 0.09)).toEqual([0, 0, 0])
  expect(read('minmax', 0.7, 0.7)).toEqual([0, 0])
})
