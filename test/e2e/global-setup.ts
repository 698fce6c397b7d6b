import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestHarness } from 'wrangler'
import { startWorld } from '../../workers/local/world.ts'

/** What every end-to-end file needs to know of the one stack that they share. */
export interface SharedStack {
  /** Where the gateway answers. */
  readonly gateway: string
  readonly adminToken: string
  /** What it is configured to call itself: not where it answers, so that links cannot come from Host. */
  readonly publicUrl: string
  readonly rpc: string
  readonly usdc: `0x${string}`
  readonly payTo: `0x${string}`
  readonly facilitator: string
  readonly tempoRpc: string
  readonly tempoPayTo: `0x${string}`
  /** `GET` gives the Workers' log lines so far, as JSON, or at `/keys` R2's keys; `DELETE` forgets every kept result. */
  readonly control: string
}

declare module 'vitest' {
  export interface ProvidedContext {
    stack: SharedStack
  }
}

const PUBLIC_URL = 'https://pixtoll.test'
/** Tests of unpaid work must not make everybody else pay first. */
const ownVars = { IMAGES_HOST: 'i.localhost', MAX_UNPAID_LOSS_PER_HOUR: '1000' }

async function listKeys({ STORAGE }: { STORAGE: R2Bucket }): Promise<string[]> {
  const keys: string[] = []
  for (let startAfter = ''; ; startAfter = keys.at(-1)!) {
    const { objects, truncated } = await STORAGE.list({ startAfter })
    keys.push(...objects.map(({ key }) => key))
    if (!truncated) return keys
  }
}

async function forgetResults({ STORAGE }: { STORAGE: R2Bucket }): Promise<void> {
  for (const { key } of (await STORAGE.list({ prefix: 'results/' })).objects) await STORAGE.delete(key)
}

/** Starts the world and all Workers once for all end-to-end files; nothing is reset between them. */
export default async function setup({ provide }: { provide: (key: 'stack', stack: SharedStack) => void }) {
  // wrangler's own registry of running Workers is one for all checkouts of a user.
  const registry = await mkdtemp(join(tmpdir(), 'pixtoll-registry-'))
  process.env.WRANGLER_REGISTRY_PATH = registry
  const world = await startWorld()
  const harness = createTestHarness({
    root: join(import.meta.dirname, '../..'),
    workers: [
      { configPath: 'wrangler.toml', vars: { ...world.gatewayVars(PUBLIC_URL), ...ownVars } },
      { configPath: 'workers/matte/wrangler.toml' },
      { configPath: 'workers/resize/wrangler.toml' },
      { configPath: 'workers/preview/wrangler.toml' },
      { configPath: 'workers/infer/wrangler.toml' },
    ],
  })
  const { url } = await harness.listen()
  const control = createServer(async (request, answer) => {
    if (request.method === 'DELETE') await forgetResults(await harness.getWorker<{ STORAGE: R2Bucket }>().getEnv())
    if (request.url === '/keys') {
      answer.end(JSON.stringify(await listKeys(await harness.getWorker<{ STORAGE: R2Bucket }>().getEnv())))
      return
    }
    answer.end(JSON.stringify(harness.getLogs()))
  })
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve))
  provide('stack', {
    gateway: url.origin,
    adminToken: world.adminToken,
    publicUrl: PUBLIC_URL,
    rpc: world.rpc,
    usdc: world.usdc,
    payTo: world.payTo,
    facilitator: world.facilitator,
    tempoRpc: world.tempoRpc,
    tempoPayTo: world.tempoPayTo,
    control: `http://127.0.0.1:${(control.address() as AddressInfo).port}`,
  })
  return async () => {
    control.close()
    await harness.close()
    await world.stop()
    await rm(registry, { recursive: true })
  }
}
