/**
 * The Container: background removal for pictures of any size, on Node. `PORT` (8080), `HOST` (all), `SCRATCH_DIR` (the
 * system's), `MEMORY_MIB` (what the system has), `MODELS_DIR` (this repository's), `MATTE_MODELS` (ids, separated by
 * commas: the models to serve, the first of them for `quality=best`; the best that is there), `CONTAINER_TOKEN` (none).
 */
import { existsSync } from 'node:fs'
import { tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { pulledModels } from '../../models/registry.ts'
import { createApp } from './app.ts'
import { Budget } from './budget.ts'
import { setUpLibvips } from './decode.ts'
import { loadModel } from './inference.ts'
import { ModelShelf, selectModels } from './models.ts'

const MiB = 1024 * 1024
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
const {
  models,
  leftOut,
  budget: bytes,
} = selectModels({
  names: process.env.MATTE_MODELS ?? '',
  rows: pulledModels,
  isHere: ({ file }) => existsSync(join(folder, file)),
  memory,
})
for (const { id, reason } of leftOut) {
  console.error(JSON.stringify({ event: 'model_left_out', model: id, reason, memory }))
}
const budget = new Budget({ bytes, maxWaiting: 8, patience: 30_000 })

setUpLibvips()
const shelf = new ModelShelf(models, (model) => loadModel(model, folder))

const closing = new AbortController()
const app = createApp({
  tools: {
    budget,
    scratch: process.env.SCRATCH_DIR ?? tmpdir(),
    findModel: (options) => shelf.find(options),
  },
  token: process.env.CONTAINER_TOKEN || null,
  limitMs,
  readModels: () => shelf.loaded,
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
  await shelf.ready()
  console.log(JSON.stringify({ event: 'ready', models: shelf.loaded, memory: budget.state }))
} catch (error) {
  console.error(JSON.stringify({ event: 'no_model', message: error instanceof Error ? error.message : String(error) }))
  process.exit(1)
}
