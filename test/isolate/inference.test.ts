import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleWorker } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'

let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd(bundleWorker('test/isolate/workers/inference.toml'))
}, 60_000)
afterAll(() => workerd?.stop())

const act = async (path: string) => (await fetch(new URL(path, workerd.url))).json()

test('without memory a run is bad_alloc, and the next one with memory answers as before', async () => {
  const alpha = await act('run')
  expect(alpha).toBeGreaterThan(0)
  expect(await act('fill')).toMatch(/bad_alloc/)
  expect([alpha, expect.stringMatching(/bad_alloc/)]).toContainEqual(await act('run'))
  expect(await act('empty')).toBeGreaterThan(0)
  expect(await act('run')).toBe(alpha)
})
