/**
 * The Container: background removal for pictures of any size, on Node. `PORT` (8080), `HOST` (all), `SCRATCH_DIR` (the
 * system's), `MEMORY_MIB` (what the system has), `MODELS_DIR` (this repository's), `CONTAINER_TOKEN` (none).
 */
import { existsSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { defaultMatteModel } from '../../models/index.ts'
import { packagedModels } from '../../models/packaged.ts'
import { createApp } from './app.ts'
import { Budget } from './budget.ts'
import { setUpLibvips } from './decode.ts'
import { type LoadedModel, loadModel } from './inference.ts'

const MiB = 1024 * 1024
/** What the process takes beside pictures: Node, the fast model, and the best one where it is (docs/benchmarks.md). */
const reserved = { fast: 300 * MiB, best: 1_500 * MiB }
const leastBudget = 512 * MiB
/** For one request: longer than the gateway waits for anything. */
const limitMs = 120_000
/** For the requests in work when the process is asked to end. */
const graceMs = limitMs + 5_000

function readNumber(name: string, fallback: number): number {
  const text = process.env[name]
  if (!text) return fallback
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(`${name}=${text} is not a number`)
  process.exit(1)
}

const folder = process.env.MODELS_DIR ?? join(import.meta.dirname, '../../models')

/** Memory that this process may use, in bytes: of its container where that has a limit. */
const systemMemory = Math.min(totalmem(), process.constrainedMemory() || Infinity)
const memory = readNumber('MEMORY_MIB', systemMemory / MiB) * MiB
const found = packagedModels.find(({ file }) => existsSync(join(folder, file)))
const hasRoom = memory >= reserved.fast + reserved.best + leastBudget
if (found && !hasRoom) console.error(JSON.stringify({ event: 'model_left_out', model: found.id, memory }))
const best = hasRoom ? found : undefined
const bytes = Math.max(leastBudget, memory - reserved.fast - (best ? reserved.best : 0))
const budget = new Budget({ bytes, maxWaiting: 8, patience: 30_000 })

setUpLibvips()
const loaded = new Set<string>()
async function load(model: Parameters<typeof loadModel>[0]): Promise<LoadedModel> {
  const session = await loadModel(model, folder)
  loaded.add(model.id)
  return session
}
const fast = load(defaultMatteModel)
// Without its file, or with another one, the fast model serves; `X-Model` says so.
const finest = best
  ? load(best).catch((error: unknown) => {
      console.error(JSON.stringify({ event: 'model_refused', model: best.id, message: String(error) }))
      return fast
    })
  : fast

const closing = new AbortController()
const app = createApp({
  tools: {
    budget,
    scratch: process.env.SCRATCH_DIR ?? tmpdir(),
    findModel: (quality) => (quality === 'fast' ? fast : finest),
  },
  token: process.env.CONTAINER_TOKEN || null,
  limitMs,
  readModels: () => [...loaded],
  closing: closing.signal,
})
const server = serve({
  fetch: app.fetch,
  port: readNumber('PORT', 8080),
  hostname: process.env.HOST ?? '0.0.0.0',
  // Longer than the gateway keeps a connection: one that ends just when it is used again would be a 503.
  serverOptions: { keepAliveTimeout: 75_000 },
})

/** Ends when the pictures in work are done. */
function close(): void {
  if (closing.signal.aborted) return
  closing.abort()
  server.close(() => process.exit(0))
  setTimeout(() => process.exit(1), graceMs).unref()
}
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, close)

try {
  await Promise.all([fast, finest])
  console.log(JSON.stringify({ event: 'ready', models: [...loaded], memory: budget.state }))
} catch (error) {
  console.error(JSON.stringify({ event: 'no_model', message: error instanceof Error ? error.message : String(error) }))
  process.exit(1)
}
