import { describe, expect, it, vi } from 'vitest'
import { hash } from '../../../src/hosting/files.ts'
import { checkStorage, sweep } from '../../../src/hosting/sweep.ts'
import { bucket, createFile, DAY_S, failing, HOUR_MS, listKeys, openFiles, start, useCleanSlate } from './kit.ts'

useCleanSlate()

const files = openFiles()
const isThere = async (id: string) => (await files.head(id)) !== null
async function* stream(...texts: string[]) {
  for (const text of texts) yield new TextEncoder().encode(text)
}

describe('a hosted file', () => {
  it('has an id of 22 base62 characters, and its uploader is told where it is', async () => {
    const file = await files.add(createFile('one'))
    expect(files.describe(file)).toEqual({
      url: `https://i.pixtoll.test/${file.id}.png`,
      id: expect.stringMatching(/^[0-9A-Za-z]{22}$/),
      contentType: 'image/png',
      sizeBytes: 3,
      expiresAt: '2040-12-04T12:00:00.000Z',
      deleteToken: expect.stringMatching(/^[0-9a-f]{40}$/),
      manageUrl: `https://pixtoll.test/api/files/${file.id}`,
    })
  })

  it('is gone at the very second of its expiry, though nothing has deleted it', async () => {
    const { id } = await files.add(createFile('one', { lifeSeconds: 3600 }))
    vi.setSystemTime(start + HOUR_MS - 1)
    expect(await isThere(id)).toBe(true)
    vi.setSystemTime(start + HOUR_MS)
    expect([await isThere(id), await files.open(id)]).toEqual([false, null])
    expect(await listKeys()).toContain(`i/${id}`)
  })

  it('is stored from a stream whose length nobody knows', async () => {
    const file = await files.add(createFile('', { content: stream('on', 'e'), hashes: null }))
    expect([file.sizeBytes, file.hashes]).toEqual([3, [hash('one')]])
    expect(await (await files.open(file.id))?.text()).toBe('one')
  })

  it('leaves nothing when its stream breaks off', async () => {
    async function* breakOff() {
      yield new Uint8Array(6 << 20)
      throw new Error('broken off')
    }
    await expect(files.add(createFile('', { content: breakOff(), hashes: null }))).rejects.toMatchObject({
      code: 'upload_failed',
    })
    expect(await listKeys()).toEqual([])
  })

  it.each([
    ['the record', 'hosting/expires/'],
    ['the bytes', 'i/'],
  ])('is upload_failed, and leaves nothing, when R2 does not keep %s', async (_, prefix) => {
    const broken = openFiles(failing((method, key) => method === 'put' && String(key).startsWith(prefix)))
    await expect(broken.add(createFile('one'))).rejects.toMatchObject({ code: 'upload_failed', status: 500 })
    expect(await listKeys()).toEqual([])
  })

  it('has its record before its bytes, so that none stays for ever', async () => {
    const broken = openFiles(failing((method, key) => method === 'delete' || String(key).startsWith('i/')))
    await broken.add(createFile('one')).catch(() => {})
    expect(await listKeys()).toEqual([expect.stringMatching(/^hosting\/expires\/2040-12-04T12:00:00\.000Z\//)])
  })

  it('belongs to the bearer of its delete token alone', async () => {
    const { id, deleteToken } = await files.add(createFile('one'))
    const object = (await files.head(id))!
    const wrong = [deleteToken.toUpperCase(), deleteToken.slice(1), '', 'x'.repeat(40)]
    expect(files.isOwner(object, deleteToken)).toBe(true)
    for (const token of wrong) expect(files.isOwner(object, token)).toBe(false)
    expect(JSON.stringify(object)).not.toContain(deleteToken)
  })

  it('is deleted with its variants and its records', async () => {
    const file = await files.add(createFile('one', { isProvisional: true }))
    await files.confirm(file)
    await bucket.put(`${files.variantsOf(file.id)}contain-5x5.png`, 'small')
    await files.delete(file.id)
    expect(await listKeys()).toEqual([])
  })
})

describe('a file that nobody was told of', () => {
  it('is deleted after 72 hours', async () => {
    const { id } = await files.add(createFile('one', { isProvisional: true, lifeSeconds: 365 * DAY_S }))
    vi.setSystemTime(start + 72 * HOUR_MS - 1)
    expect([await sweep(files), await isThere(id)]).toEqual([{ deleted: 0, isDone: true }, true])
    vi.setSystemTime(start + 72 * HOUR_MS)
    expect([await sweep(files), await listKeys()]).toEqual([{ deleted: 1, isDone: true }, []])
  })

  it('stays for its whole life once somebody was', async () => {
    const file = await files.add(createFile('one', { isProvisional: true, lifeSeconds: 365 * DAY_S }))
    await files.confirm(file)
    vi.setSystemTime(start + 73 * HOUR_MS)
    expect([await sweep(files), await isThere(file.id)]).toEqual([{ deleted: 0, isDone: true }, true])
    vi.setSystemTime(start + 365 * DAY_S * 1000)
    expect([await sweep(files), await listKeys()]).toEqual([{ deleted: 1, isDone: true }, []])
  })

  it('that lives shorter than that is deleted when it expires', async () => {
    await files.add(createFile('one', { isProvisional: true, lifeSeconds: 3600 }))
    vi.setSystemTime(start + HOUR_MS)
    expect([await sweep(files), await listKeys()]).toEqual([{ deleted: 1, isDone: true }, []])
  })

  it('and was deleted since does not come back', async () => {
    const file = await files.add(createFile('one', { isProvisional: true }))
    await files.delete(file.id)
    await files.confirm(file)
    expect(await listKeys()).toEqual([])
  })
})

describe('the sweep', () => {
  it('deletes what has expired, and nothing else', async () => {
    const [short, long] = [
      await files.add(createFile('one', { lifeSeconds: 3600 })),
      await files.add(createFile('two')),
    ]
    await bucket.put(`${files.variantsOf(short.id)}contain-5x5.png`, 'small')
    await bucket.put('results/x402/1', 'a result')
    vi.setSystemTime(start + HOUR_MS)
    expect(await sweep(files)).toEqual({ deleted: 1, isDone: true })
    expect((await listKeys()).sort()).toEqual([
      `hosting/expires/2040-12-04T12:00:00.000Z/${long.id}`,
      `i/${long.id}`,
      'results/x402/1',
    ])
  })

  it('that is interrupted half way is taken up by the next', async () => {
    for (let i = 0; i < 5; i += 1) {
      const { id } = await files.add(createFile(`${i}`, { lifeSeconds: 3600 }))
      await bucket.put(`${files.variantsOf(id)}contain-5x5.png`, 'small')
    }
    vi.setSystemTime(start + HOUR_MS)
    // The first dies between the files and their variants, the second between the variants and the records.
    let deletes = 0
    const dying = (after: number) =>
      openFiles(
        failing((method) => {
          deletes += method === 'delete' ? 1 : 0
          return deletes > after
        }),
      )
    await expect(sweep(dying(1))).rejects.toThrow('R2 is down')
    deletes = 0
    await expect(sweep(dying(2))).rejects.toThrow('R2 is down')
    expect(await sweep(files)).toEqual({ deleted: 5, isDone: true })
    expect(await listKeys()).toEqual([])
  })

  it('stops after so many, and says that there is more', async () => {
    const { records } = files
    const many = Array.from({ length: 130 }, (_, i) => records.put(start - 1, `${i}`.padStart(22, '0'), []))
    await Promise.all(many)
    expect(await sweep(files, 120)).toEqual({ deleted: 120, isDone: false })
    expect(await sweep(files, 120)).toEqual({ deleted: 10, isDone: true })
  })
})

describe('checking the storage', () => {
  const checkAll = async (isRepair = false) => {
    const found = {
      filesWithoutRecord: [] as string[],
      recordsWithoutFile: [] as string[],
      variantsWithoutFile: [] as string[],
    }
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await checkStorage(files, cursor || null, isRepair)
      found.filesWithoutRecord.push(...page.filesWithoutRecord)
      found.recordsWithoutFile.push(...page.recordsWithoutFile)
      found.variantsWithoutFile.push(...page.variantsWithoutFile)
      cursor = page.cursor
    }
    return found
  }

  it('finds files without a record, and records and variants without a file, and mends all of it', async () => {
    await files.add(createFile('sound'))
    await files.add(createFile('waiting', { isProvisional: true }))
    const lonely = await files.add(createFile('lonely'))
    await files.records.delete(lonely.expiresAt, lonely.id)
    const lost = await files.add(createFile('lost'))
    await bucket.delete(`i/${lost.id}`)
    const orphan = 'A'.repeat(22)
    await bucket.put(`${files.variantsOf(orphan)}contain-5x5.png`, 'small')
    const found = { filesWithoutRecord: [lonely.id], recordsWithoutFile: [lost.id], variantsWithoutFile: [orphan] }
    expect(await checkAll()).toEqual(found)
    expect(await checkAll(true)).toEqual(found)
    expect(await checkAll()).toEqual({ filesWithoutRecord: [], recordsWithoutFile: [], variantsWithoutFile: [] })
    vi.setSystemTime(start + 7 * DAY_S * 1000)
    await sweep(files)
    expect(await listKeys()).toEqual([])
  })

  it('leaves the record of an upload alone whose file is still on its way', async () => {
    vi.setSystemTime(Date.now())
    vi.useRealTimers()
    await files.records.put(Date.now() + HOUR_MS, 'A'.repeat(22), [])
    expect((await checkAll(true)).recordsWithoutFile).toEqual([])
    expect(await listKeys()).toHaveLength(1)
  })

  it('refuses a cursor that is none', async () => {
    await expect(checkStorage(files, 'nothing else', false)).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('goes on where a page ended', async () => {
    for (let i = 0; i < 120; i += 1) await files.records.put(start, `${i}`.padStart(22, '0'), [])
    expect((await checkAll()).recordsWithoutFile).toHaveLength(120)
  })
})

describe('taken-down content', () => {
  it('is gone, says so until it would have expired, and cannot be uploaded again', async () => {
    const file = await files.add(createFile('bad'))
    await bucket.put(`${files.variantsOf(file.id)}contain-5x5.png`, 'small')
    expect(await files.takeDown(file.id)).toEqual({ hashes: [hash('bad')], isNew: true })
    expect(await files.takeDown(file.id)).toEqual({ hashes: [hash('bad')], isNew: false })
    const left = (await files.open(file.id))!
    expect([left.size, JSON.parse(left.customMetadata!.facts!).isTakenDown]).toEqual([0, true])
    expect(await files.listVariants(file.id)).toEqual([])
    const legal = { code: 'unavailable_for_legal_reasons', status: 451 }
    await expect(files.add(createFile('bad'))).rejects.toMatchObject(legal)
    await expect(files.add(createFile('', { content: stream('ba', 'd'), hashes: null }))).rejects.toMatchObject(legal)
    vi.setSystemTime(start + 7 * DAY_S * 1000)
    await sweep(files)
    expect(await listKeys()).toEqual([`hosting/taken-down/${hash('bad')}`])
  })

  it('is known without its metadata, too', async () => {
    const { id } = await files.add(createFile('bad with GPS', { hashes: [hash('bad with GPS'), hash('bad')] }))
    expect((await files.takeDown(id))?.hashes.toSorted()).toEqual([hash('bad'), hash('bad with GPS')].sort())
    await expect(files.add(createFile('bad'))).rejects.toMatchObject({ status: 451 })
  })

  it('that was uploaded while it was taken down is found out', async () => {
    // The content is blocked after it was looked for, and before its file is there.
    const racing = openFiles(
      new Proxy(bucket, {
        get:
          (target, method: keyof R2Bucket) =>
          async (key: string, ...rest: never[]) => {
            if (method === 'put' && key.startsWith('i/')) await files.records.block(hash('bad'))
            return (target[method] as (...all: unknown[]) => unknown).call(target, key, ...rest)
          },
      }),
    )
    await expect(racing.add(createFile('bad'))).rejects.toMatchObject({ status: 451 })
    expect(await listKeys()).toEqual([`hosting/taken-down/${hash('bad')}`])
  })

  it('is not handed out by whoever stored it before', async () => {
    const file = await files.add(createFile('bad', { isProvisional: true }))
    await files.records.block(hash('bad'))
    await expect(files.confirm(file)).rejects.toMatchObject({ status: 451 })
  })
})
