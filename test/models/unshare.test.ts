import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { clearSharedMemory } from '../../workers/infer/unshare.ts'

const text = (value: string): number[] => [value.length, ...Buffer.from(value)]
const create = (...imports: number[][]): Uint8Array =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2],
    1 + imports.flat().length,
    imports.length,
    ...imports.flat(),
  ])
const memory = (flags: number) => [...text('a'), ...text('m'), 2, flags, 1, 2]
const globalImport = [...text('a'), ...text('g'), 3, 0x7f, 0]
const table = [...text('a'), ...text('t'), 1, 0x70, 0, 1]

test('the shared bit of the imported memory is cleared, nothing else', () => {
  const before = create(globalImport, table, memory(3))
  const after = clearSharedMemory(before)
  expect(before).toEqual(create(globalImport, table, memory(3)))
  expect(after).toEqual(create(globalImport, table, memory(1)))
  expect(WebAssembly.validate(after)).toBe(true)
})

test('a binary without one shared memory is refused', () => {
  expect(() => clearSharedMemory(create(memory(1)))).toThrow(/found 0/)
})

test('in the runtime that is shipped exactly one byte changes, and it stays valid', () => {
  const path = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')
  const before = readFileSync(path)
  const after = clearSharedMemory(before)
  let changes = 0
  for (let i = 0; i < before.length; i += 1) if (before[i] !== after[i]) changes += 1
  expect([after.length, changes, WebAssembly.validate(after)]).toEqual([before.length, 1, true])
})
