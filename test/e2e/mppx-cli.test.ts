import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { expect, it } from 'vitest'
import { photo, post, stack } from './kit.ts'
import { askChallenge, fund, measureTempoIncome, readMppReceipt } from './kit-mpp.ts'

const run = promisify(execFile)
const bin = join(import.meta.dirname, '../../node_modules/mppx/dist/bin.js')

it('`mppx sign` makes a header that buys a cut-out: the command line cannot post a file itself', async () => {
  const key = generatePrivateKey()
  await fund(privateKeyToAccount(key).address)
  const challenge = (await askChallenge()).headers.get('www-authenticate') ?? ''
  const parameters = [bin, 'sign', '--challenge', challenge, '--rpc-url', stack.tempoRpc]
  const { stdout } = await run(process.execPath, parameters, { env: { ...process.env, MPPX_PRIVATE_KEY: key } })
  const [income, answer] = await measureTempoIncome(() => post(photo('flower.jpg'), { Authorization: stdout.trim() }))
  expect(answer.status).toBe(200)
  expect(readMppReceipt(answer)).toMatchObject({ status: 'success' })
  expect(income).toBe(50_000n)
})
