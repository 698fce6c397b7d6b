import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { defaultMatteModel } from '../../models/index.ts'
import { packagedModels } from '../../models/packaged.ts'
import { locateModel } from '../../models/verify.ts'
import { findPort } from '../../workers/local/loopback.ts'

const server = join(import.meta.dirname, '../../workers/container/server.ts')
const [isnet] = packagedModels

/** The model that the Container has for the best quality: the edge's, where IS-Net was not pulled. */
export const bestModel = existsSync(locateModel(isnet)) ? isnet.id : 'edge-352'

interface Health {
  readonly models: readonly string[]
  readonly memory: { readonly bytes: number; readonly used: number; readonly waiting: number }
}

/** A Container of a test file's own, always at the same address. */
export interface OwnContainer {
  readonly url: string
  readHealth(): Promise<Health>
  /** Resident memory in MiB, now and at its peak since `forgetPeak`. Linux only. */
  readMemory(): { readonly now: number; readonly peak: number }
  forgetPeak(): void
  /** Ends the process as a power cut would: SIGKILL. */
  kill(): Promise<void>
  /** Asks it to end, and answers its exit code. */
  close(): Promise<number | null>
  /** Starts it again, and waits until its models are loaded. */
  restart(env?: Readonly<Record<string, string>>): Promise<void>
}

/** A folder that holds the edge's model alone: the Container starts in a second with it. */
export function createSmallModels(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pixtoll-models-'))
  copyFileSync(locateModel(defaultMatteModel), join(folder, defaultMatteModel.file))
  return folder
}

/** @param settings what the server reads besides its port, in every start */
export async function startOwnContainer(settings: Readonly<Record<string, string>> = {}): Promise<OwnContainer> {
  const port = await findPort({ port: 0, fallback: true })
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return null
    const ended = once(child, 'exit')
    child.kill(signal)
    const [code] = await ended
    return code as number | null
  }
  async function restart(env: Readonly<Record<string, string>> = {}): Promise<void> {
    await end('SIGKILL')
    const all = { ...process.env, ...settings, HOST: '127.0.0.1', PORT: String(port), ...env }
    child = spawn(process.execPath, [server], { env: all, stdio: ['ignore', 'pipe', 'inherit'] })
    const stop = () => child?.kill('SIGKILL')
    process.once('exit', stop)
    child.once('exit', () => process.off('exit', stop))
    const lines = createInterface({ input: child.stdout! })
    // It says so when its models are loaded.
    await new Promise<void>((resolve) => lines.on('line', (line) => line.includes('"ready"') && resolve()))
  }
  const readStatus = (field: string): number => {
    const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${child?.pid}/status`, 'utf8'))
    return Number(line?.[1]) / 1024
  }

  await restart()
  return {
    url,
    readHealth: async () => (await (await fetch(`${url}/health`)).json()) as Health,
    readMemory: () => ({ now: readStatus('VmRSS'), peak: readStatus('VmHWM') }),
    forgetPeak: () => writeFileSync(`/proc/${child?.pid}/clear_refs`, '5'),
    kill: async () => void (await end('SIGKILL')),
    close: () => end('SIGTERM'),
    restart,
  }
}
