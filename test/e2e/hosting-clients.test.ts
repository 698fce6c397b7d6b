import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { createCaller, createPayer, measureIncome, stack } from './kit.ts'
import { CENT, createNoise, get, readHosted, send, TOKEN, UPLOAD, upload } from './kit-hosting.ts'
import { createMppClient, createTempoPayer, fund, measureTempoIncome, readMppReceipt } from './kit-mpp.ts'
import { stockClients } from './stock-clients.ts'

const run = promisify(execFile)
const bin = join(import.meta.dirname, '../../node_modules/mppx/dist/bin.js')

describe.each(Object.entries(stockClients))('%s', (_, pay) => {
  it('buys a token and uploads with it', async () => {
    const account = await createPayer(50_000n)
    const [income, bought] = await measureIncome(() =>
      pay(account, stack.gateway + TOKEN, Buffer.from('{}'), { 'Content-Type': 'application/json', ...createCaller() }),
    )
    const { token } = JSON.parse(bought.body.toString()) as { token: string }
    const hosted = await upload(UPLOAD, await createNoise(), { 'X-Upload-Token': token })
    expect([bought.status, hosted.status, income]).toEqual([200, 200, CENT])
  })

  it('uploads and pays in one request', async () => {
    const image = await createNoise()
    const headers = { 'Content-Type': 'image/png', ...createCaller() }
    const account = await createPayer(50_000n)
    const [income, answer] = await measureIncome(() => pay(account, stack.gateway + UPLOAD, image, headers))
    expect([answer.status, income]).toEqual([200, CENT])
    const served = await get(JSON.parse(answer.body.toString()))
    expect(Buffer.from(await served.arrayBuffer()).equals(image)).toBe(true)
  })
})

describe('mppx', () => {
  it('buys a token and uploads with it, and uploads and pays in one request', async () => {
    const client = createMppClient(await createTempoPayer())
    const [income, hosted] = await measureTempoIncome(async () => {
      const bought = await client.fetch(stack.gateway + TOKEN, { method: 'POST', headers: createCaller() })
      expect(readMppReceipt(bought)).toMatchObject({ status: 'success' })
      const { token } = (await bought.json()) as { token: string }
      return upload(UPLOAD, await createNoise(), { 'X-Upload-Token': token })
    })
    expect([hosted.status, income]).toEqual([200, CENT])
    const image = await createNoise()
    const init = { method: 'POST', body: image, headers: { 'Content-Type': 'image/png', ...createCaller() } }
    const [more, inline] = await measureTempoIncome(() => client.fetch(stack.gateway + UPLOAD, init))
    expect([inline.status, more]).toEqual([200, CENT])
    expect((await get(await readHosted(inline))).status).toBe(200)
  })

  it('buys a token from the command line', async () => {
    const key = generatePrivateKey()
    await fund(privateKeyToAccount(key).address)
    const env = { ...process.env, MPPX_PRIVATE_KEY: key }
    const args = [bin, stack.gateway + TOKEN, '-X', 'POST', '--rpc-url', stack.tempoRpc, '-s']
    const [income, { stdout }] = await measureTempoIncome(() => run(process.execPath, args, { env }))
    expect(stdout).toMatch(/"token":\s*"[0-9a-f]{40}"/)
    expect(income).toBe(CENT)
  })

  it('finds nothing wrong with the offer: mppx validate', async () => {
    const { stdout } = await run(process.execPath, [bin, 'validate', stack.gateway, '-e', `POST:${TOKEN}`], {
      env: {
        ...process.env,
        NO_COLOR: '1',
        TEMPO_RPC_URL: stack.tempoRpc,
        NODE_OPTIONS: `--import=${new URL('redirect-tempo.mjs', import.meta.url)}`,
      },
    })
    expect(stdout).toContain('Payment: successful')
    expect(stdout).toMatch(/Summary: \d+ passed(, \d+ warning\(s\))?\s/)
  })

  it('answers a probe of the offer', async () => {
    expect((await send(TOKEN, null)).headers.get('www-authenticate')).toContain('Payment ')
  })
})
