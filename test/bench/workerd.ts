import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import type { Bundle } from './bundle.ts'

const compatibilityDate = '2026-10-20'
const require = createRequire(import.meta.url)

/** Worker processes are measured in raw workerd: wrangler and miniflare put proxies of their own before it. */
export interface Workerd {
  readonly url: string
  /**
   * Resident memory without pages of workerd's own program file, now and at its peak since `forgetPeak`, in MiB; CPU
   * seconds used since the start. Linux only.
   */
  readMemory(): { now: number; peak: number }
  readCpu(): number
  forgetPeak(): void
  stop(): Promise<void>
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || !address) throw new Error('no port')
  return address.port
}

/** What a Worker needs besides its modules. */
export interface Surroundings {
  /** Text bindings by name. */
  readonly vars: Readonly<Record<string, string>>
  /** Durable Object classes by the name of their binding; SQLite, as in production. */
  readonly objects: Readonly<Record<string, string>>
  /** Folders that the runtime serves by HTTP, by the name of their binding. */
  readonly folders?: Readonly<Record<string, string>>
}

function describeWorker({ modules }: Bundle, { vars, objects, folders = {} }: Surroundings): string {
  const list = modules.map(({ name, path, kind }) => `(name = "./${name}", ${kind} = embed "${basename(path)}")`)
  const texts = Object.entries(vars).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`)
  const bound = Object.entries(objects).map(([name, type]) => `(name = "${name}", durableObjectNamespace = "${type}")`)
  const served = Object.keys(folders).map((name) => `(name = "${name}", service = "folder-${name}")`)
  const types = Object.values(objects).map((type) => `(className = "${type}", uniqueKey = "${type}", enableSql = true)`)
  return `(
    modules = [${list.join(', ')}], compatibilityDate = "${compatibilityDate}",
    bindings = [${[...texts, ...bound, ...served].join(', ')}],
    durableObjectNamespaces = [${types.join(', ')}], durableObjectStorage = (localDisk = "disk"),
    globalOutbound = "outside"
  )`
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(url).catch(() => null)
    await answer?.arrayBuffer()
    if (answer) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`workerd ended with ${child.exitCode}`)
}

/** What a Worker takes over from its predecessor; fresh unless given. */
export interface Place {
  readonly port: number
  /** Folder of its Durable Objects. */
  readonly disk: string
}

/** Starts one Worker in a workerd of its own and waits until its fetch handler has answered once. */
export async function startWorkerd(
  bundle: Bundle,
  surroundings: Surroundings = { vars: {}, objects: {} },
  place: Partial<Place> = {},
): Promise<Workerd> {
  const { port = await findPort(), disk = mkdtempSync(join(bundle.folder, 'disk-')) } = place
  const folders = Object.entries(surroundings.folders ?? {}).map(
    ([name, path]) => `, (name = "folder-${name}", disk = (path = "${path}"))`,
  )
  // Beside the modules, since workerd takes no absolute paths to embed.
  const config = join(bundle.folder, `config-${port}.capnp`)
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "outside", network = (allow = ["local"])),
    (name = "disk", disk = (path = "${disk}", writable = true))${folders.join('')}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
const main :Workerd.Worker = ${describeWorker(bundle, surroundings)};
`,
  )
  const binary: string = require('workerd').default
  const child = spawn(binary, ['serve', '--experimental', config], { stdio: ['ignore', 'ignore', 'ignore'] })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const url = `http://127.0.0.1:${port}/`
  await waitUntilReady(url, child)
  const readStatus = (field: string) => {
    const line = readFileSync(`/proc/${child.pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))
    return Number(line?.[1]) / 1024
  }
  return {
    url,
    readMemory: () => {
      // File pages only ever come in here, so what is in now was in at the peak, or came later.
      const file = readStatus('RssFile')
      return { now: readStatus('VmRSS') - file, peak: readStatus('VmHWM') - file }
    },
    readCpu: () => {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return (Number(fields[11]) + Number(fields[12])) / 100
    },
    // 5 resets the peak (proc(5), clear_refs).
    forgetPeak: () => writeFileSync(`/proc/${child.pid}/clear_refs`, '5'),
    stop: async () => {
      const ended = once(child, 'exit')
      // On SIGTERM it would first wait for connections that are kept alive.
      end()
      await ended
    },
  }
}
