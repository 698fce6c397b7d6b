import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalServer, serveLocally } from '../../workers/local/loopback.ts'
import { findRunningStack, publishStack, readStack, type Stack, StackError } from '../../workers/local/stack-file.ts'

const stack: Stack = {
  gateway: 'http://localhost:8787',
  container: 'http://localhost:8788',
  adminToken: 'a'.repeat(64),
  rpc: 'http://127.0.0.1:8545',
  chainId: 84532,
  usdc: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  payTo: '0x14dC79964da2C08b23698B3D3cc7Ca32193d9955',
  facilitator: 'http://127.0.0.1:8402',
  tempoRpc: 'http://127.0.0.1:8546',
  tempoPayTo: '0x71bE63f3384f5fb98995898A86B02Fb2426c5788',
  demo: { evmKey: `0x${'11'.repeat(32)}`, tempoKey: `0x${'22'.repeat(32)}` },
}

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtoll-stack-'))
  file = join(folder, 'stack.json')
})
afterEach(() => rm(folder, { recursive: true }))

describe('a stack file', () => {
  it('reads back as it was published, and nothing else lies beside it', async () => {
    await publishStack(stack, file)
    expect(await readStack(file)).toEqual(stack)
    expect(await readdir(folder)).toEqual(['stack.json'])
  })

  it('is gone when what published it removes it', async () => {
    const remove = await publishStack(stack, file)
    await remove()
    expect(await readStack(file)).toBeUndefined()
    await remove()
  })

  it('stays when another stack has put its own there', async () => {
    const remove = await publishStack(stack, file)
    await publishStack({ ...stack, gateway: 'http://localhost:9999' }, file)
    await remove()
    expect(await readFile(file, 'utf8')).toContain('9999')
  })

  it.each([
    ['no JSON', '{', /not JSON/],
    ['an empty object', '{}', /gateway: .*rpc: .*demo: /s],
    ['an address that is none', JSON.stringify({ ...stack, payTo: '0x12' }), /payTo: is not an address/],
    [
      'a short key',
      JSON.stringify({ ...stack, demo: { ...stack.demo, evmKey: '0x12' } }),
      /demo\.evmKey: is not a private key/,
    ],
  ])('that holds %s is refused with what is wrong and what to do', async (_, text, reason) => {
    await writeFile(file, text)
    const reading = readStack(file)
    await expect(reading).rejects.toThrow(StackError)
    await expect(reading).rejects.toThrow(reason)
    await expect(reading).rejects.toThrow('npm run dev')
  })
})

describe('a running stack', () => {
  let server: LocalServer
  beforeEach(async () => {
    server = await serveLocally(() => new Response('{}'), { port: 0 })
  })
  afterEach(() => server.stop())

  it('is found when its gateway and its chains answer', async () => {
    const running = { ...stack, gateway: server.url, rpc: server.url, tempoRpc: server.url }
    await publishStack(running, file)
    expect(await findRunningStack(file)).toEqual(running)
  })

  it('is not found without a file, nor when one of them is gone', async () => {
    expect(await findRunningStack(file)).toBeUndefined()
    const gone = await serveLocally(() => new Response(), { port: 0 })
    await gone.stop()
    const whole = { ...stack, gateway: server.url, rpc: server.url, tempoRpc: server.url }
    for (const part of ['gateway', 'rpc', 'tempoRpc']) {
      await publishStack({ ...whole, [part]: gone.url }, file)
      expect(await findRunningStack(file)).toBeUndefined()
    }
  })
})
