import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCaller, createPayer, measureIncome, stack as shared, sign, v2, withFaults } from '../e2e/kit.ts'
import {
  buyToken,
  CENT,
  createNoise,
  FREE,
  type Hosted,
  hoursOfRecords,
  readError,
  readHosted,
  readToken,
  signCent,
  UPLOAD,
  upload,
} from '../e2e/kit-hosting.ts'
import { type OwnStack, startOwnStack, waitUntil, watchCall } from './own-stack.ts'

let stack: OwnStack
let image: Buffer
beforeAll(async () => {
  image = await createNoise()
  stack = await startOwnStack()
})
afterAll(() => stack.stop())

const pay = async () => signCent(await createPayer(20_000n))
const takeDown = (target: string) =>
  fetch(`${shared.gateway}/admin/takedown?target=${target}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${shared.adminToken}` },
  })
const keysOf = (prefix: string) => stack.readStorage().keys.filter((key) => key.startsWith(prefix))
const hoursOf = (id: string) => hoursOfRecords(stack.readStorage().keys, id)
const YEAR_H = 365 * 24

describe('R2 that does not keep a file', () => {
  it('is upload_failed for a free one: its slot comes back, and nothing is left', async () => {
    const client = createCaller()
    const before = stack.readStorage().keys
    stack.failStorage(['put'])
    const failed = await upload(FREE, image, client)
    stack.failStorage([])
    expect([failed.status, await readError(failed)]).toEqual([
      500,
      expect.objectContaining({ error: 'upload_failed', retryable: true }),
    ])
    expect(stack.readStorage().keys).toEqual(before)
    expect((await upload(FREE, image, client)).headers.get('ratelimit-remaining')).toBe('99')
  })

  it('is upload_failed for a paid one: nothing is charged, and the same payment buys it', async () => {
    const headers = { ...v2(await pay()), ...createCaller() }
    stack.failStorage(['put'])
    const [nothing, failed] = await measureIncome(() => upload(UPLOAD, image, headers))
    stack.failStorage([])
    const [income, good] = await measureIncome(() => upload(UPLOAD, image, headers))
    expect([failed.status, (await readError(failed)).error, nothing]).toEqual([500, 'upload_failed', 0n])
    expect([good.status, income]).toEqual([200, CENT])
  })

  it('is upload_failed for a token: it stays good', async () => {
    const token = { 'X-Upload-Token': await readToken(await buyToken(await pay())) }
    stack.failStorage(['put'])
    const failed = await upload(UPLOAD, image, token)
    stack.failStorage([])
    expect([failed.status, (await readError(failed)).error]).toEqual([500, 'upload_failed'])
    expect((await upload(UPLOAD, image, token)).status).toBe(200)
  })

  it('once it is paid for is upload_failed: charged once, and the same payment gets it', async () => {
    const headers = { ...v2(await pay()), ...createCaller() }
    const [income, [failed, good]] = await measureIncome(async () => {
      const settle = stack.hold('settle')
      const call = upload(UPLOAD, image, headers)
      await settle.reached
      stack.failStorage(['put'])
      settle.go()
      const failed = await call
      stack.failStorage([])
      return [failed, await upload(UPLOAD, image, headers)]
    })
    expect([failed!.status, await readError(failed!)]).toEqual([
      500,
      expect.objectContaining({ error: 'upload_failed', paid: true, message: expect.stringContaining('same payment') }),
    ])
    expect([good!.status, income]).toEqual([200, CENT])
    const { id } = await readHosted(good!)
    expect(hoursOf(id)).toEqual([72, YEAR_H])
  })
})

describe('R2 that does not keep a file’s record once its token is spent', () => {
  it('is upload_failed: the token then gives that very file, and so does its payment, and it is kept', async () => {
    const payment = { ...v2(await pay()), ...createCaller() }
    const token = { 'X-Upload-Token': await readToken(await upload('/api/upload/token', image, payment)) }
    const stored = stack.hold('stored')
    const call = upload(UPLOAD, image, token)
    await stored.reached
    stack.failStorage(['put'])
    stored.go()
    const failed = await call
    stack.failStorage([])
    expect([failed.status, (await readError(failed)).error]).toEqual([500, 'upload_failed'])
    const hosted = await readHosted(await upload('/api/upload/token', image, payment))
    expect(hoursOf(hosted.id)).toEqual([72, YEAR_H])
    expect(await readHosted(await upload(UPLOAD, image, token))).toEqual(hosted)
  })
})

describe('money that was collected before a file could be stored', () => {
  it('is owed: the same payment then buys a token or an upload, free', async () => {
    const first = { ...v2(await sign(await createPayer(20_000n), { value: CENT, validBefore: 25 })), ...createCaller() }
    const [income, [failed, token]] = await measureIncome(async () => {
      stack.failStorage(['put'])
      const failed = await upload(UPLOAD, image, first)
      stack.failStorage([])
      return [failed, await upload('/api/upload/token', image, first)]
    })
    const said = await readError(failed!)
    expect([failed!.status, said]).toEqual([500, expect.objectContaining({ error: 'upload_failed', paid: true })])
    expect([token!.status, income]).toEqual([200, CENT])
    const other = await createNoise()
    const uploaded = await upload(UPLOAD, other, { 'X-Upload-Token': await readToken(token!) })
    expect([uploaded.status, (await upload(UPLOAD, other, first)).status]).toEqual([200, 200])
  })
})

describe('content that is taken down while it is paid for', () => {
  it('is 451 and paid: the same payment then hosts another image', async () => {
    const headers = { ...v2(await pay()), ...createCaller() }
    const bad = await createNoise()
    const [income, [refused, good]] = await measureIncome(async () => {
      const settle = stack.hold('settle')
      const call = upload(UPLOAD, bad, headers)
      await settle.reached
      await takeDown(createHash('sha256').update(bad).digest('hex'))
      settle.go()
      return [await call, await upload(UPLOAD, image, headers)]
    })
    expect([refused!.status, await readError(refused!)]).toEqual([
      451,
      expect.objectContaining({ error: 'unavailable_for_legal_reasons', paid: true }),
    ])
    expect([good!.status, income]).toEqual([200, CENT])
  })
})

describe('DELETE of a file when R2 fails half way', () => {
  it('is an error, and the file is gone all the same', async () => {
    const hosted = await readHosted(await upload(FREE, image))
    const ask = (method: string, path: string) =>
      fetch(`${shared.gateway}${path}`, { method, headers: { Authorization: `Bearer ${hosted.deleteToken}` } })
    stack.failStorage(['list'])
    const failed = await ask('DELETE', `/api/files/${hosted.id}`)
    stack.failStorage([])
    expect([failed.status, (await ask('GET', `/i/${hosted.id}.png`)).status]).toEqual([500, 404])
    // Its record is still there: the sweep finds what is left of it.
    expect(hoursOf(hosted.id)).toEqual([168])
  })
})

describe('a gateway that is killed once a file is stored', () => {
  const storedIds = () => keysOf('i/').map((key) => key.slice(2))

  /** Uploads, kills the gateway when the file is in R2, and tells its id. */
  async function killWhenStored(headers: Readonly<Record<string, string>>): Promise<string> {
    const before = storedIds()
    const stored = stack.hold('stored')
    void upload(UPLOAD, image, headers).catch(() => {})
    await stored.reached
    await stack.restart()
    return storedIds().find((id) => !before.includes(id))!
  }

  it('and not paid for: the same payment buys another; the first is swept, since nobody knows of it', async () => {
    const headers = { ...v2(await pay()), ...createCaller() }
    const [income, { lost, hosted }] = await measureIncome(async () => {
      const lost = await killWhenStored(headers)
      return { lost, hosted: await readHosted(await upload(UPLOAD, image, headers)) }
    })
    expect([income, hosted.id === lost]).toEqual([CENT, false])
    expect([hoursOf(lost), hoursOf(hosted.id)]).toEqual([[72], [72, YEAR_H]])
  })

  it('and its token not spent: the token still buys one', async () => {
    const headers = { 'X-Upload-Token': await readToken(await buyToken(await pay())) }
    const lost = await killWhenStored(headers)
    const hosted = await readHosted(await upload(UPLOAD, image, headers))
    expect([hosted.id === lost, hoursOf(lost)]).toEqual([false, [72]])
  })
})

describe('a gateway that is killed while it collects', () => {
  it('hands the file over to the same payment, charged once', async () => {
    const headers = { ...v2(await pay()), ...createCaller() }
    const [income, answer] = await measureIncome(() =>
      withFaults([{ op: 'settle', mode: 'delay', ms: 15_000, when: 'after', count: 1 }], async () => {
        const isSettling = await watchCall('settle')
        void upload(UPLOAD, image, headers).catch(() => {})
        await isSettling()
        await stack.restart()
        let last: Response | undefined
        await waitUntil('the image', async () => {
          last = await upload(UPLOAD, image, headers)
          return last.status === 200
        })
        return last!
      }),
    )
    expect([answer.status, income]).toEqual([200, CENT])
    const { id }: Hosted = await readHosted(answer)
    expect(hoursOf(id)).toEqual([72, YEAR_H])
  })
})
