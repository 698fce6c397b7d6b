import { afterEach, describe, expect, it, vi } from 'vitest'
import { HEAD_BYTES, openRequestBody, type RequestBody } from '../src/request-body.ts'

/** A request whose body the test sends piece by piece. */
function createUpload(headers: Record<string, string> = {}) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const init = { method: 'POST', headers, body: readable, duplex: 'half' }
  return { body: openRequestBody(new Request('http://localhost/', init as RequestInit)), sender: writable.getWriter() }
}

async function readAll(body: RequestBody, limit: number): Promise<number[]> {
  const bytes: number[] = []
  for await (const piece of body.read(limit, 'image_too_large')) bytes.push(...piece)
  return bytes
}

afterEach(() => vi.useRealTimers())

describe('a request body', () => {
  it('gives its head without waiting for the rest', async () => {
    const { body, sender } = createUpload()
    void sender.write(new Uint8Array(HEAD_BYTES))
    const head = await body.readHead()
    expect([head.bytes.length, head.isWhole, body.isPending()]).toEqual([HEAD_BYTES, false, true])
  })

  it('gives the whole after its head', async () => {
    const { body, sender } = createUpload()
    void sender.write(new Uint8Array([1, 2]))
    void sender.write(new Uint8Array([3]))
    void sender.close()
    expect((await body.readHead()).isWhole).toBe(true)
    expect(await readAll(body, 3)).toEqual([1, 2, 3])
  })

  it('is counted while it is read: one byte above the limit is too many, whatever Content-Length says', async () => {
    const { body, sender } = createUpload()
    void sender.write(new Uint8Array(4)).catch(() => {})
    await expect(readAll(body, 3)).rejects.toMatchObject({ code: 'image_too_large' })
  })

  it('is refused by its Content-Length before anything is read', async () => {
    const { body } = createUpload({ 'Content-Length': '4' })
    expect(body.declaredBytes).toBe(4)
    await expect(readAll(body, 3)).rejects.toMatchObject({ code: 'image_too_large' })
  })

  it('that sends nothing for 15 seconds is given up; every byte gives it 15 more', async () => {
    vi.useFakeTimers()
    const { body, sender } = createUpload()
    const reading = body.readHead()
    const end = expect(reading).rejects.toMatchObject({ code: 'request_timeout', status: 408 })
    await vi.advanceTimersByTimeAsync(14_999)
    void sender.write(new Uint8Array(1))
    await vi.advanceTimersByTimeAsync(14_999)
    expect(await Promise.race([reading.catch(() => 'given up'), Promise.resolve('reading')])).toBe('reading')
    await vi.advanceTimersByTimeAsync(1)
    await end
  })

  it('is whole at once where there is none', async () => {
    const body = openRequestBody(new Request('http://localhost/'))
    expect(await body.readHead()).toMatchObject({ isWhole: true })
    expect(body.isPending()).toBe(false)
  })
})
