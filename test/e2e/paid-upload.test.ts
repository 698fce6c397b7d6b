import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCaller, measureIncome, readLogs, readReceipt, stack, v1, v2 } from './kit.ts'
import {
  buyToken,
  CENT,
  createNoise,
  DAY_MS,
  get,
  pad,
  payCent as pay,
  readError,
  readHosted,
  readKeys,
  readToken,
  replay,
  send,
  sendJson,
  TOKEN,
  UPLOAD,
  upload,
  withToken,
} from './kit-hosting.ts'

const MB = 1_048_576

describe('POST /api/upload with a token', () => {
  it('hosts the image for a year, once', async () => {
    const token = await readToken(await buyToken(await pay()))
    const image = await createNoise()
    const first = await upload(UPLOAD, image, withToken(token))
    const hosted = await readHosted(first)
    expect([first.status, replay(first)]).toEqual([200, null])
    expect(Math.abs(Date.parse(hosted.expiresAt) - Date.now() - 365 * DAY_MS)).toBeLessThan(60_000)
    const again = await sendJson(UPLOAD, { file: image.toString('base64') }, withToken(token))
    expect([again.status, replay(again), await readHosted(again)]).toEqual([200, 'true', hosted])
    const other = await upload(UPLOAD, await createNoise(), withToken(token))
    expect([other.status, (await readError(other)).error]).toEqual([401, 'invalid_token'])
    const otherwise = await upload(`${UPLOAD}?ttl=3600`, image, withToken(token))
    expect([otherwise.status, (await readError(otherwise)).error]).toEqual([401, 'invalid_token'])
  })

  it('takes 5 MB and not a byte more; what fails uses the token up not at all', async () => {
    const token = await readToken(await buyToken(await pay()))
    const image = await createNoise()
    const failed = [
      [await upload(UPLOAD, pad(image, 5 * MB + 1), withToken(token)), 'file_too_large'],
      [await upload(UPLOAD, image.subarray(0, -9), withToken(token)), 'unsupported_format'],
      [await send(UPLOAD, null, withToken(token)), 'no_file'],
      [await upload(`${UPLOAD}?ttl=1`, image, withToken(token)), 'invalid_request'],
    ] as const
    for (const [answer, error] of failed) expect([answer.status, (await readError(answer)).error]).toEqual([400, error])
    expect((await upload(UPLOAD, pad(image, 5 * MB), withToken(token))).status).toBe(200)
  })

  it('of two at the same time hosts one; the same image twice is one image', async () => {
    const race = async (one: Buffer, other: Buffer) => {
      const token = await readToken(await buyToken(await pay()))
      return Promise.all([one, other].map((image) => upload(UPLOAD, image, withToken(token))))
    }
    const same = await createNoise()
    const countFiles = async () => (await readKeys()).filter((key) => key.startsWith('i/')).length
    const before = await countFiles()
    const [alike, unlike] = [await race(same, same), await race(await createNoise(), await createNoise())]
    const [first, second] = await Promise.all(alike.map(readHosted))
    expect([alike.map(({ status }) => status), first]).toEqual([[200, 200], second])
    expect(unlike.map(({ status }) => status).sort()).toEqual([200, 401])
    expect((await countFiles()) - before).toBe(2)
  })

  it('leaves a payment beside it untouched', async () => {
    const token = await readToken(await buyToken(await pay()))
    const beside = await pay()
    const [nothing, answer] = await measureIncome(async () =>
      upload(UPLOAD, await createNoise(), { ...withToken(token), ...v2(beside) }),
    )
    expect([answer.status, nothing, answer.headers.get('payment-response')]).toEqual([200, 0n, null])
    // And when the token is bad, too.
    const [still, refused] = await measureIncome(async () =>
      upload(UPLOAD, await createNoise(), { ...withToken('0'.repeat(40)), ...v2(beside) }),
    )
    expect([refused.status, still]).toEqual([401, 0n])
    const [income, bought] = await measureIncome(async () => upload(UPLOAD, await createNoise(), v2(beside)))
    expect([bought.status, income]).toEqual([200, CENT])
  })

  it.each(['0'.repeat(40), 'abc', 'A'.repeat(40), ''])('refuses the token "%s"', async (token) => {
    const answer = await upload(UPLOAD, await createNoise(), withToken(token))
    expect([answer.status, (await readError(answer)).error]).toEqual([401, 'invalid_token'])
  })

  it('never tells it in the logs', async () => {
    const token = await readToken(await buyToken(await pay()))
    const { deleteToken } = await readHosted(await upload(UPLOAD, await createNoise(), withToken(token)))
    const logs = await readLogs()
    for (const secret of [token, token.slice(20), deleteToken]) expect(logs).not.toContain(secret)
  })
})

describe('POST /api/upload with a payment', () => {
  it('asks for $0.01 without one, once the image is judged as far as its head goes', async () => {
    const image = await createNoise()
    expect((await upload(UPLOAD, image)).status).toBe(402)
    const large = await createNoise(200)
    const refused = [
      [await upload(UPLOAD, image.subarray(0, -9)), 'unsupported_format'],
      [await upload(UPLOAD, Buffer.concat([Buffer.from('BM'), large])), 'unsupported_format'],
      [
        await send(UPLOAD, Buffer.concat([Buffer.from('BM'), large]), { 'Content-Type': 'image/png' }),
        'unsupported_format',
      ],
      [
        await sendJson(UPLOAD, { file: Buffer.concat([Buffer.from('BM'), large]).toString('base64') }),
        'unsupported_format',
      ],
      [await upload(UPLOAD, pad(image, 6 * MB)), 'file_too_large'],
      [await sendJson(UPLOAD, { image: 'x' }), 'no_file'],
      [await send(UPLOAD, 'text', { 'Content-Type': 'text/plain' }), 'no_file'],
      [await upload(`${UPLOAD}?keep=all`, image), 'invalid_request'],
    ] as const
    for (const [answer, error] of refused)
      expect([answer.status, (await readError(answer)).error]).toEqual([400, error])
    expect((await upload(UPLOAD, large)).status).toBe(402)
  })

  it('hosts the image; the same again, however it is packed, answers the same, charged once', async () => {
    const payment = await pay()
    const client = createCaller()
    const image = await createNoise()
    const [income, [first, again]] = await measureIncome(async () => [
      await upload(UPLOAD, image, { ...v2(payment), ...client }),
      await sendJson(UPLOAD, { file: image.toString('base64') }, { ...v1(payment), ...client }),
    ])
    const hosted = await readHosted(first!)
    expect([first!.status, replay(first!), readReceipt(first!).success]).toEqual([200, null, true])
    expect([again!.status, replay(again!), await readHosted(again!), income]).toEqual([200, 'true', hosted, CENT])
    expect((await get(hosted)).status).toBe(200)
    const other = await upload(UPLOAD, await createNoise(), { ...v2(payment), ...client })
    expect([other.status, await readError(other)]).toEqual([
      409,
      expect.objectContaining({ error: 'payment_already_used', transaction: readReceipt(first!).transaction }),
    ])
    expect(await readHosted(await buyToken(payment, client))).toEqual(hosted)
  })

  it('spends the unspent token that it bought', async () => {
    const payment = await pay()
    const client = createCaller()
    const image = await createNoise()
    const [income, token] = await measureIncome(async () => {
      const token = await readToken(await buyToken(payment, client))
      expect((await upload(UPLOAD, image, { ...v2(payment), ...client })).status).toBe(200)
      return token
    })
    const later = await upload(UPLOAD, await createNoise(), withToken(token))
    expect([income, later.status, (await readError(later)).error]).toEqual([CENT, 401, 'invalid_token'])
  })

  it('of two images at the same time hosts one', async () => {
    const payment = await pay()
    const client = createCaller()
    const images = [await createNoise(), await createNoise()]
    const [income, answers] = await measureIncome(() =>
      Promise.all(images.map((image) => upload(UPLOAD, image, { ...v2(payment), ...client }))),
    )
    expect([answers.map(({ status }) => status).sort(), income]).toEqual([[200, 409], CENT])
  })

  it('of two at the same time, of which one may not be hosted, hosts the other', async () => {
    const [bad, good] = [await createNoise(), await createNoise()]
    const target = createHash('sha256').update(bad).digest('hex')
    const headers = { Authorization: `Bearer ${stack.adminToken}` }
    await fetch(`${stack.gateway}/admin/takedown?target=${target}`, { method: 'POST', headers })
    const payment = { ...v2(await pay()), ...createCaller() }
    const answers = await Promise.all([bad, good].map((image) => upload(UPLOAD, image, payment)))
    expect(answers.map(({ status }) => status)).toEqual([451, 200])
  })

  it('is free when the image is broken, and then buys another', async () => {
    const payment = await pay()
    const large = await createNoise(200)
    const [income, [broken, good]] = await measureIncome(async () => [
      await upload(UPLOAD, large.subarray(0, -9), v2(payment)),
      await upload(UPLOAD, large, v2(payment)),
    ])
    expect([broken!.status, good!.status, income]).toEqual([400, 200, CENT])
  })

  it('answers the same for an Idempotency-Key, from anywhere and unpaid; another image 409', async () => {
    const key = { 'Idempotency-Key': `upload-${crypto.randomUUID()}` }
    const image = await createNoise()
    const first = await upload(UPLOAD, image, { ...v2(await pay()), ...key })
    const [income, again] = await measureIncome(() => upload(UPLOAD, image, key))
    expect([await readHosted(again), income]).toEqual([await readHosted(first), 0n])
    for (const other of [await upload(UPLOAD, await createNoise(), key), await send(TOKEN, null, key)]) {
      expect([other.status, (await readError(other)).error]).toEqual([409, 'idempotency_key_reused'])
    }
  })
})
