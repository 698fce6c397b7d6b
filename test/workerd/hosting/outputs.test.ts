import { describe, expect, it } from 'vitest'
import { BadOutput } from '../../../src/generation/output-store.ts'
import type { HostedFile } from '../../../src/hosting/hosted-file.ts'
import { createOutputStore } from '../../../src/hosting/outputs.ts'
import { bucket, failing, listKeys, openFiles, useCleanSlate } from './kit.ts'

useCleanSlate()

const asked = { width: 1280, height: 720 }
const png = (width: number, height: number) => {
  const header = Buffer.alloc(33)
  header.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  header.set([8, 6, 0, 0, 0], 24)
  return new Uint8Array(header)
}
const webm = Uint8Array.from([0x1a, 0x45, 0xdf, 0xa3, ...Array<number>(100).fill(7)])
const large = () => {
  const bytes = new Uint8Array(300_000)
  bytes.set(png(30, 20))
  return bytes
}

describe('an output of a generation', () => {
  it('is stored by what its bytes are, of the size that they tell', async () => {
    const sink = await createOutputStore(openFiles()).open(asked)
    const bytes = large()
    for (let at = 0; at < bytes.length; at += 20_000) await sink.write(bytes.slice(at, at + 20_000))
    const stored = await sink.finish()
    expect(stored).toMatchObject({ type: 'image/png', width: 30, height: 20, url: expect.stringMatching(/\.png$/) })
    const [key] = (await listKeys()).filter((name) => name.startsWith('i/'))
    expect(new Uint8Array(await (await bucket.get(key!))!.arrayBuffer())).toEqual(bytes)
  })

  it('that is a video has the size that was asked for', async () => {
    const sink = await createOutputStore(openFiles()).open(asked)
    await sink.write(webm)
    expect(await sink.finish()).toMatchObject({ type: 'video/webm', ...asked, url: expect.stringMatching(/\.webm$/) })
  })

  it('goes away by itself until it is kept', async () => {
    const store = createOutputStore(openFiles())
    const sink = await store.open(asked)
    await sink.write(png(1, 1))
    const stored = await sink.finish()
    const records = async () => (await listKeys()).filter((name) => name.startsWith('hosting/expires/')).length
    expect(await records()).toBe(1)
    await store.keep(stored)
    expect(await records()).toBe(2)
  })

  it('that is nothing known is refused, and so is one without bytes', async () => {
    for (const bytes of [new TextEncoder().encode('<html>'), new Uint8Array()]) {
      const sink = await createOutputStore(openFiles()).open(asked)
      await sink.write(bytes)
      await expect(sink.finish()).rejects.toThrow('an output is')
      await sink.abort()
    }
    expect(await listKeys()).toEqual([])
  })

  it.each([
    ['small', png(1, 1)],
    ['large', large()],
  ])('that is %s ends with an error when R2 does not take it, and waits for nobody', async (_, bytes) => {
    const store = createOutputStore(openFiles(failing((method) => method === 'put')))
    const sink = await store.open(asked)
    const write = async () => {
      await sink.write(bytes)
      return sink.finish()
    }
    await expect(write()).rejects.toMatchObject({ code: 'upload_failed' })
    await sink.abort()
    expect(await listKeys()).toEqual([])
  })

  it('that was taken down is never stored, and one that is taken down since is nobody’s error', async () => {
    const files = openFiles()
    const store = createOutputStore(files)
    const give = async () => {
      const sink = await store.open(asked)
      await sink.write(png(2, 2))
      return sink.finish()
    }
    const stored = await give()
    await files.takeDown((JSON.parse(stored.reference) as HostedFile).id)
    await expect(give()).rejects.toThrow(BadOutput)
    await expect(store.keep(stored)).resolves.toBeUndefined()
  })

  it('that is not wanted leaves nothing', async () => {
    const sink = await createOutputStore(openFiles()).open(asked)
    await sink.write(large())
    await sink.abort()
    expect(await listKeys()).toEqual([])
  })
})
