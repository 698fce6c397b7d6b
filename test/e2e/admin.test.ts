import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { createPayer, photo, post, sign, stack, v2, withFaults } from './kit.ts'
import { createNoise, FREE, get, readError, readHosted, upload } from './kit-hosting.ts'
import { shrink } from './pictures.ts'

const root = join(import.meta.dirname, '../..')
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
let flower: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
})

/** `npm run admin -- …` against the shared stack, or as `env` says. */
async function runAdmin(args: readonly string[], env: Record<string, string> = {}) {
  const deployment = { PIXTOLL_URL: stack.gateway, ADMIN_TOKEN: stack.adminToken }
  const options = { cwd: root, env: { ...process.env, ...deployment, ...env } }
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['admin/cli.ts', ...args], options)
    return { code: 0, said: stdout }
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string }
    return { code, said: stderr }
  }
}

describe('npm run admin -- payments', () => {
  it('lists a payment whose outcome is unknown until it is found, and what is owed until it is worked off', async () => {
    const payer = await createPayer()
    const open = v2(await sign(payer))
    await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, open))
    const owed = v2(await sign(payer, { validBefore: 25 }))
    await post(flower.subarray(0, flower.length / 2), owed)

    const isOf = (block: string) => block.includes(payer.address)
    const blocks = async () => (await runAdmin(['payments'])).said.split(/\n(?=\S)/).filter(isOf)
    await expect.poll(blocks, { timeout: 10_000 }).toHaveLength(2)
    const [first, second] = (await blocks()).sort()
    expect(first).toMatch(/^owed {4}\$0\.05 {2}x402:0x[\da-f]{64}\n/)
    expect(first).toMatch(/\n {2}transaction 0x[\da-f]{64}\n {2}owed until {2}\d{4}-/)
    expect(second).toMatch(/^unknown \$0\.05 {2}x402:0x[\da-f]{64}\n/)
    expect(second).toContain('  for         POST /v1/remove-background')

    expect((await post(flower, open)).status).toBe(200)
    expect((await post(flower, owed)).status).toBe(200)
    await expect.poll(blocks, { timeout: 10_000 }).toEqual([])
  })

  it('takes any cursor, and tells when there is no further page', async () => {
    const headers = { Authorization: `Bearer ${stack.adminToken}` }
    for (const cursor of ['', 'zzz', '../../results/', '%00\u{1f600}']) {
      const answer = await fetch(`${stack.gateway}/admin/payments?${new URLSearchParams({ cursor })}`, { headers })
      expect([answer.status, await answer.json()]).toEqual([200, { payments: expect.any(Array), cursor: null }])
    }
    expect((await fetch(`${stack.gateway}/admin/payments?limit=1`, { headers })).status).toBe(400)
  })

  it('says what is wrong with its token, its deployment or its words, without a stack trace', async () => {
    const wrong = await runAdmin(['payments'], { ADMIN_TOKEN: 'x'.repeat(64) })
    expect(wrong).toEqual({ code: 1, said: expect.stringContaining('answers 401: Send Authorization: Bearer') })
    const gone = await runAdmin(['payments'], { PIXTOLL_URL: 'http://127.0.0.1:1' })
    expect(gone).toEqual({ code: 1, said: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 does not answer: /) })
    const half = await runAdmin(['payments'], { ADMIN_TOKEN: '' })
    expect(half).toEqual({ code: 1, said: expect.stringContaining('go together') })
    expect(await runAdmin(['takings'])).toEqual({ code: 1, said: expect.stringMatching(/^Usage: /) })
  })
})

describe('npm run admin -- takedown', () => {
  it('takes a file down by its id, with every other of the same content, and lets it in no more', async () => {
    const image = await createNoise()
    const [first, second] = [await readHosted(await upload(FREE, image)), await readHosted(await upload(FREE, image))]
    const other = await readHosted(await upload(FREE, await createNoise()))
    const { code, said } = await runAdmin(['takedown', first.id])
    expect([code, said]).toEqual([
      0,
      `taken down  ${first.id}\ntaken down  ${second.id}\nblocked     ${hashOf(image)}\n`,
    ])
    for (const file of [first, second]) {
      const answer = await get(file)
      expect([answer.status, (await readError(answer)).error]).toEqual([451, 'unavailable_for_legal_reasons'])
    }
    const again = await upload(FREE, Buffer.concat([image, Buffer.from('something behind its end')]))
    expect([again.status, (await readError(again)).error]).toEqual([451, 'unavailable_for_legal_reasons'])
    expect((await get(other)).status).toBe(200)
    expect(await runAdmin(['takedown', first.id])).toEqual({
      code: 0,
      said: `blocked     ${hashOf(image)}\nNo file more was taken down.\n`,
    })
  })

  it('takes content down by its SHA-256, also before it was ever uploaded', async () => {
    const [here, notYet] = [await createNoise(), await createNoise()]
    const file = await readHosted(await upload(FREE, here))
    expect((await runAdmin(['takedown', hashOf(here).toUpperCase()])).said).toContain(`taken down  ${file.id}`)
    expect((await get(file)).status).toBe(451)
    expect((await runAdmin(['takedown', hashOf(notYet)])).said).toBe(
      `blocked     ${hashOf(notYet)}\nNo file more was taken down.\n`,
    )
    expect((await upload(FREE, notYet)).status).toBe(451)
  })

  it('goes on where it was interrupted', async () => {
    const image = await createNoise()
    const [first, copy] = [await readHosted(await upload(FREE, image)), await readHosted(await upload(FREE, image))]
    // The first call alone, as if the command had died there.
    const headers = { Authorization: `Bearer ${stack.adminToken}` }
    await fetch(`${stack.gateway}/admin/takedown?target=${first.id}`, { method: 'POST', headers })
    expect((await get(copy)).status).toBe(200)
    expect((await runAdmin(['takedown', first.id])).said).toContain(`taken down  ${copy.id}`)
    expect((await get(copy)).status).toBe(451)
  })

  it('knows content by the bytes that were uploaded, too', async () => {
    const image = await sharp(await createNoise())
      .withExif({ IFD0: { Copyright: 'me' } })
      .jpeg()
      .toBuffer()
    const file = await readHosted(await upload(FREE, image))
    expect((await runAdmin(['takedown', hashOf(image)])).said).toContain(`taken down  ${file.id}`)
    expect((await upload(FREE, image)).status).toBe(451)
  })

  it('says what is wrong with its target', async () => {
    expect(await runAdmin(['takedown', 'nothing'])).toEqual({ code: 1, said: expect.stringContaining('answers 400') })
    const unknown = await runAdmin(['takedown', 'A'.repeat(22)])
    expect(unknown).toEqual({ code: 1, said: expect.stringContaining('answers 404: There is no file') })
    expect(await runAdmin(['takedown'])).toEqual({ code: 1, said: expect.stringMatching(/^Usage: /) })
  })

  it('is the operator’s alone', async () => {
    for (const path of ['/admin/takedown?target=x', '/admin/check-storage']) {
      const answer = await fetch(stack.gateway + path, { method: 'POST' })
      expect([path, answer.status]).toEqual([path, 401])
    }
  })
})

describe('npm run admin -- fsck', () => {
  it('finds nothing wrong with what uploads, deletions and takedowns leave', async () => {
    await upload(FREE, await createNoise())
    const { code, said } = await runAdmin(['fsck'])
    expect([code, said]).toEqual([
      0,
      expect.stringMatching(/^\d+ looked at: 0 files .*, 0 records and 0 files' variants .* All fit together\.\n$/),
    ])
  })
})
