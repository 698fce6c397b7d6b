import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'
import { ROUTE, readFacilitatorLog, stack } from '../e2e/kit.ts'
import { type Control, startControl } from './control.ts'

/** Linux's folder in memory, which outlives a process as a disk does: every object waits for its disk at every write. */
const MEMORY = '/dev/shm'

/** Durable Object classes of src/index.ts by the name of their binding. */
const objects = {
  LEDGER: 'PaymentLedger',
  IDEMPOTENCY_KEY: 'IdempotencyKey',
  STANDING: 'Standing',
  UPLOAD_TOKEN: 'UploadToken',
  DAILY_CAP: 'DailyCap',
  GENERATION: 'Generation',
}

/** A gateway in raw workerd at `stack.gateway`, over the world of all files. Its storage outlives its process. */
export interface OwnStack extends Omit<Control, 'url' | 'stop'> {
  /** Ends the process as a power cut would: SIGKILL. */
  kill(): Promise<void>
  /** What the gateway's process takes, in MiB: see `Workerd`. Linux only. */
  readMemory(): ReturnType<Workerd['readMemory']>
  forgetPeak(): void
  /** Ends the process and starts another on the same storage, with these changes to its configuration. */
  restart(vars?: Readonly<Record<string, string>>): Promise<void>
  stop(): Promise<void>
}

/** Starts the one gateway of a test file. */
export async function startOwnStack(): Promise<OwnStack> {
  const { bundle, vars } = inject('gatewayParts')
  const { url, stop, ...control } = await startControl()
  const disk = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'pixtoll-disk-'))
  const port = Number(new URL(stack.gateway).port)
  let workerd: Workerd | undefined

  async function kill(): Promise<void> {
    await workerd?.stop()
    workerd = undefined
  }
  async function restart(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    await kill()
    const surroundings = { vars: { ...vars, ...changes, CONTROL_URL: url }, objects }
    workerd = await startWorkerd(bundle, surroundings, { port, disk })
  }

  await restart()
  return {
    ...control,
    kill,
    readMemory: () => workerd!.readMemory(),
    forgetPeak: () => workerd!.forgetPeak(),
    restart,
    async stop() {
      await kill()
      await stop()
      await rm(disk, { recursive: true })
    },
  }
}

const POLL_MS = 20
const PATIENCE_MS = 30_000

/** Waits until something can be observed. */
export async function waitUntil(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await sleep(POLL_MS)
  }
}

/** Waits until the facilitator is called for `operation`. Called before what leads to it. */
export async function watchCall(operation: 'verify' | 'settle'): Promise<() => Promise<void>> {
  const { length } = await readFacilitatorLog()
  return () =>
    waitUntil(`a call of ${operation}`, async () =>
      (await readFacilitatorLog()).slice(length).some(({ op }) => op === operation),
    )
}

/** A call whose client can hang up. */
export interface FragileCall {
  /** Cuts the connection with a TCP reset: a mere FIN is no hang-up to workerd. */
  hangUp(): Promise<void>
}

/** Sends a call of the paid route over a connection of its own: the head, and the first `bytes` of the body. */
export async function startFragileCall(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  bytes = body.length,
): Promise<FragileCall> {
  const { host, hostname, port } = new URL(stack.gateway)
  const all = { Host: host, 'Content-Type': 'image/jpeg', 'Content-Length': String(body.length), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(Number(port), hostname)
  // Errors are what it is for.
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(`POST ${ROUTE} HTTP/1.1\r\n${lines.join('')}\r\n`)
  socket.write(body.subarray(0, bytes))
  return {
    hangUp() {
      socket.resetAndDestroy()
      return closed
    },
  }
}
