import { describe, expect, it, vi } from 'vitest'
import type { UploadedImage } from '../../../src/hosting/read-image.ts'
import { sweep } from '../../../src/hosting/sweep.ts'
import type { UploadTokenClient } from '../../../src/hosting/upload-token.ts'
import { useToken } from '../../../src/hosting/use-token.ts'
import { bucket, createFile, HOUR_MS, listKeys, openFiles, start, uploadTokens, useCleanSlate } from './kit.ts'

useCleanSlate()

const files = openFiles()
let count = 0
function openToken(): UploadTokenClient {
  count += 1
  return uploadTokens.getByName(`use ${count}`) as unknown as UploadTokenClient
}
function createImage(text: string): UploadedImage {
  const { content, ...file } = createFile(text)
  return { upload: text, sha256: text, size: text.length, file: { ...file, content: content as Uint8Array } }
}

describe('using a right to an upload', () => {
  it('takes the file that was stored before, once', async () => {
    const stored = await files.add(createFile('one', { isProvisional: true }))
    const token = openToken()
    const first = await useToken(token, 'payer', createImage('one'), files, stored)
    expect(first).toEqual({ kind: 'hosted', file: stored, isReplay: false })
    expect(await useToken(token, 'payer', createImage('one'), files, stored)).toEqual({ ...first, isReplay: true })
    expect((await listKeys()).filter((key) => key.startsWith('i/'))).toHaveLength(1)
  })

  it('stores it anew when it was swept meanwhile', async () => {
    const stored = await files.add(createFile('one', { isProvisional: true }))
    vi.setSystemTime(start + 80 * HOUR_MS)
    await sweep(files)
    const use = await useToken(openToken(), 'payer', createImage('one'), files, stored)
    expect(use.kind === 'hosted' && (await files.head(use.file.id))).toBeTruthy()
  })

  it('leaves it unspent when the content was taken down meanwhile: another image may have it', async () => {
    const stored = await files.add(createFile('bad', { isProvisional: true }))
    const token = openToken()
    await files.records.block(stored.hashes[0]!)
    await expect(useToken(token, 'payer', createImage('bad'), files, stored)).rejects.toMatchObject({ status: 451 })
    expect((await useToken(token, 'payer', createImage('good'), files)).kind).toBe('hosted')
  })

  it('of two deletes the file of the one who comes second', async () => {
    const token = openToken()
    const uses = await Promise.all(['one', 'two'].map((text) => useToken(token, 'payer', createImage(text), files)))
    expect(uses.map(({ kind }) => kind).sort()).toEqual(['hosted', 'taken'])
    expect((await bucket.list({ prefix: 'i/' })).objects).toHaveLength(1)
  })
})
