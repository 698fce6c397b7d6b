import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { OutputSinks } from '../../src/generation/provider.ts'
import { createProvider, useUpstreams } from './kit.ts'

const MEGABYTE = 1024 * 1024
const video = new Uint8Array(40 * MEGABYTE + 1)
for (let at = 0; at < video.length; at += 1) video[at] = (Math.imul(at, 2_654_435_761) >>> 11) & 0xff
video.set(Buffer.from('\0\0\0\x18ftypmp42', 'latin1'))

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('a video of 40 MB in base64 within JSON', () => {
  const upstreams = useUpstreams({ video })

  it('goes to its sink in pieces, one at a time, byte for byte', async () => {
    const provider = createProvider('veo', upstreams.values)
    const taken = createHash('sha256')
    const seen = { longest: 0, size: 0, now: 0, most: 0 }
    const sinks: OutputSinks = {
      open: async () => ({
        async write(bytes) {
          seen.now += 1
          seen.most = Math.max(seen.most, seen.now)
          seen.longest = Math.max(seen.longest, bytes.length)
          seen.size += bytes.length
          taken.update(bytes)
          // Whoever does not wait for this writes again before.
          await new Promise((resolve) => setImmediate(resolve))
          seen.now -= 1
        },
      }),
    }
    const task = {
      ...({ kind: 'video', upstreamId: 'veo-3.1-fast-generate-001', prompt: 'x', aspectRatio: '16:9' } as const),
      ...{ resolution: '720p', durationSeconds: 8 },
    }
    const { operation } = (await provider.start(task, sinks)) as { operation: string }
    await provider.poll!(operation, task, sinks)
    expect((await provider.poll!(operation, task, sinks)).kind).toBe('completed')
    expect([seen.size, seen.most, taken.digest('hex')]).toEqual([video.length, 1, hash(video)])
    expect(seen.longest).toBeLessThan(MEGABYTE)
  })
})
