import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Body } from '../../workers/container/body.ts'

const content = Uint8Array.from({ length: 1000 }, (_, i) => i & 255)

/** A body that comes in pieces of so many bytes, and then ends or falls silent. */
function createBody(bytes: number, piece = 100, isSilent = false, signal = new AbortController().signal): Body {
  let at = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < content.length) controller.enqueue(content.slice(at, at + piece))
      else if (!isSilent) controller.close()
      else return new Promise(() => {})
      at += piece
    },
  })
  return new Body(stream, bytes, signal)
}

describe('a body', () => {
  it('is read in two steps: a head, more of it, and then the whole', async () => {
    const body = createBody(1000)
    const { head, isWhole } = await body.readHead(250)
    expect([head.length, isWhole]).toEqual([300, false])
    expect(Buffer.compare(head, content.subarray(0, 300))).toBe(0)
    expect((await body.readHead(600)).head.length).toBe(600)
    expect(Buffer.compare(await body.readAll(), content)).toBe(0)
  })

  it('that is shorter than a head is whole', async () => {
    expect(await createBody(1000).readHead(5000)).toMatchObject({ isWhole: true })
  })

  it.each([
    ['shorter', 1001, /shorter than it said/],
    ['longer', 999, /longer than it said/],
  ])('that is %s than it said is an error, in either step', async (_, bytes, message) => {
    await expect(createBody(bytes).readHead(2000)).rejects.toThrow(message)
    const body = createBody(bytes)
    await body.readHead(100)
    await expect(body.readAll()).rejects.toThrow(message)
  })

  it('is drained to its end, and no further than it said', async () => {
    for (const bytes of [1000, 500, 2000]) {
      const body = createBody(bytes)
      await body.readHead(100)
      await body.drain()
      await expect(body.readAll()).rejects.toThrow()
    }
  })

  it('that nobody waits for any more ends, and rejects', async () => {
    const client = new AbortController()
    const end = expect(createBody(2000, 100, true, client.signal).readAll()).rejects.toThrow(/shorter/)
    client.abort()
    await end
  })

  describe('that falls silent', () => {
    beforeEach(() => void vi.useFakeTimers())
    afterEach(() => void vi.useRealTimers())
    it('is given up after 15 seconds', async () => {
      const end = expect(createBody(2000, 100, true).readAll()).rejects.toThrow(/stopped coming/)
      await vi.advanceTimersByTimeAsync(15_000)
      await end
    })
  })
})
