import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSpool } from '../../../src/hosting/storage.ts'
import { PART_BYTES } from '../../../src/parts.ts'
import { takeUpload } from '../../../src/payments/upload.ts'
import { openRequestBody } from '../../../src/request-body.ts'

const bucket = (env as unknown as { STORAGE: R2Bucket }).STORAGE
const limit = { bytes: 25 * 1024 * 1024, error: 'image_too_large' } as const
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const readSpool = async () => (await bucket.list({ prefix: 'spool/' })).objects.map(({ size }) => size)

/** Bytes that differ wherever parts could be mixed up. */
function createBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 1000) bytes[at] = at / 1000
  return bytes
}

/** The body of a request that says no length and comes in pieces. */
function send(bytes: Uint8Array, pieceBytes = 60_000) {
  let at = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at + pieceBytes))
      else controller.close()
      at += pieceBytes
    },
  })
  return openRequestBody(new Request('https://pixtoll.example', { method: 'POST', body }))
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

describe('an upload', () => {
  it.each([
    ['of nothing', 0],
    ['of a few bytes', 10],
    ['of exactly 5 MB', PART_BYTES],
  ])('%s stays in memory, and can be read twice', async (_, length) => {
    const bytes = createBytes(length)
    const upload = await takeUpload(send(bytes), limit, createSpool(bucket))
    expect(await readSpool()).toEqual([])
    expect([upload.size, upload.sha256]).toEqual([length, hashOf(bytes)])
    for (let time = 0; time < 2; time += 1) expect(hashOf(await readAll(await upload.open()))).toBe(hashOf(bytes))
  })

  it.each([
    ['one byte above 5 MB', PART_BYTES + 1],
    ['two whole parts', 2 * PART_BYTES],
    ['25 MB', 25 * 1024 * 1024],
  ])('of %s waits in R2 until it is discarded', async (_, length) => {
    const bytes = createBytes(length)
    const upload = await takeUpload(send(bytes), limit, createSpool(bucket))
    expect(await readSpool()).toEqual([length])
    expect([upload.size, upload.sha256]).toEqual([length, hashOf(bytes)])
    for (let time = 0; time < 2; time += 1) expect(hashOf(await readAll(await upload.open()))).toBe(hashOf(bytes))
    await upload.discard()
    expect(await readSpool()).toEqual([])
  })

  it('whose parts cannot be put together is given up, and nothing of it is kept', async () => {
    let aborted = 0
    const spool = {
      begin: async () => ({
        write: async () => {},
        finish: () => Promise.reject(new Error('R2 is down')),
        abort: async () => {
          aborted += 1
        },
      }),
    }
    await expect(takeUpload(send(createBytes(PART_BYTES + 1)), limit, spool)).rejects.toThrow('R2 is down')
    expect(aborted).toBe(1)
  })

  it('above the limit is refused, and nothing of it is kept', async () => {
    const body = send(createBytes(limit.bytes + 1))
    await expect(takeUpload(body, limit, createSpool(bucket))).rejects.toMatchObject({ code: 'image_too_large' })
    expect(await readSpool()).toEqual([])
  })
})
