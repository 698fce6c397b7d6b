import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { type ProcessGroup, startProcessGroup } from './process-group.ts'
import { root, StackError } from './stack-file.ts'

/** All Workers of the product, the gateway first: `wrangler dev` gives the port to the first. */
const CONFIGS = [
  'wrangler.toml',
  ...['matte', 'resize', 'preview', 'infer'].map((name) => `workers/${name}/wrangler.toml`),
]
const START_LIMIT_MS = 90_000
/** How long wrangler gets to finish the message that an error line begins. */
const MESSAGE_MS = 500

export interface GatewayOptions {
  readonly port: number
  /** The environment for the gateway Worker; values go by a file that only this user can read. */
  readonly vars: Readonly<Record<string, string>>
  /** An empty folder for the Workers' storage. */
  readonly stateFolder: string
  /** Called with each line worth showing: what the Workers log, and wrangler's warnings and errors. */
  readonly onLine: (line: string) => void
  /** Ends a start that is still under way; the promise then rejects with its reason. */
  readonly signal?: AbortSignal
}

/** The product's Workers in `wrangler dev`. */
export type Gateway = ProcessGroup

/** Somebody else took the gateway's port between the look at it and the start. */
export class PortTakenError extends StackError {
  override name = 'PortTakenError'
}

// What wrangler says on every start or request: its tables of bindings, and requests, which the Workers log better.
const CHATTER = [/^\s*$/, /^\[wrangler:info\]/, /^Using secrets /, / has access to the following bindings:$/]
const BINDINGS = [/^Binding {2}/, /^env\./, /^Service bindings, /]
const isChatter = (line: string): boolean => [...CHATTER, ...BINDINGS].some((pattern) => pattern.test(line))

const isWorkerLog = (line: string): boolean => /^\[pixtoll[\w-]*\] /.test(line)

// An error of wrangler's own, such as a failed build. A Worker's `console.error` looks the same but holds JSON.
const isStartError = (line: string): boolean => /\[ERROR\] (?!\s*\{)/.test(line)

/** wrangler's words, without the middle of what it dumps when a build command fails. */
function shorten(lines: readonly string[]): string[] {
  return lines.length <= 40 ? [...lines] : [...lines.slice(0, 15), '  …', ...lines.slice(-5)]
}

/** wrangler without anything that reaches the internet, asks questions or shares state with another checkout. */
function createEnvironment(stateFolder: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
    WRANGLER_WRITE_LOGS: 'false',
    WRANGLER_REGISTRY_PATH: join(stateFolder, 'registry'),
    CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  }
  // These would change which configuration and variables the Workers get.
  for (const name of ['CLOUDFLARE_ENV', 'CLOUDFLARE_INCLUDE_PROCESS_ENV', 'CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV']) {
    delete env[name]
  }
  return env
}

async function waitForHealth(url: string, signal: AbortSignal): Promise<void> {
  let last = 'nothing'
  const deadline = Date.now() + START_LIMIT_MS
  while (Date.now() < deadline) {
    signal.throwIfAborted()
    try {
      const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(START_LIMIT_MS)]) })
      await response.body?.cancel()
      if (response.ok) return
      last = `status ${response.status}`
    } catch {
      signal.throwIfAborted()
    }
    await sleep(100, undefined, { signal }).catch(() => {})
  }
  throw new StackError(`The gateway was not ready within ${START_LIMIT_MS / 1000} s: GET ${url} answered ${last}.`)
}

/**
 * Starts all Workers in one `wrangler dev` on 127.0.0.1 and resolves when `GET /health` answers 200. Rejects with a
 * `StackError` that holds wrangler's own words when it fails; nothing runs then.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { port, vars, stateFolder, onLine, signal } = options
  const envFile = join(stateFolder, 'gateway.env')
  const lines = Object.entries(vars).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(envFile, lines.join(''), { mode: 0o600 })

  const said: string[] = []
  const warnings: string[] = []
  let ready = false
  const failed = new AbortController()
  const fail = (reason: string) => {
    const message = [reason, ...shorten(said)].join('\n')
    failed.abort(/Address already in use/.test(message) ? new PortTakenError(message) : new StackError(message))
  }

  const hear = (line: string, from: 'stdout' | 'stderr') => {
    if (isChatter(line)) return
    if (ready || isWorkerLog(line)) return onLine(line)
    const text = stripVTControlCharacters(line)
    said.push(text)
    if (from === 'stderr') warnings.push(line)
    if (from === 'stderr' && isStartError(text)) {
      setTimeout(fail, MESSAGE_MS, 'The Workers could not be started. wrangler says:')
    }
  }

  const args = [
    'dev',
    ...CONFIGS.flatMap((config) => ['-c', config]),
    '--local',
    ...['--ip', '127.0.0.1', '--port', String(port)],
    ...['--env-file', envFile, '--persist-to', join(stateFolder, 'storage')],
    // Otherwise every Host would become that of the first route in wrangler.toml.
    '--infer-origin-from-routes=false',
    '--show-interactive-dev-session=false',
  ]
  const group = startProcessGroup(join(root, 'node_modules/wrangler/bin/wrangler.js'), args, {
    cwd: root,
    env: createEnvironment(stateFolder),
    onLine: hear,
  })
  void group.ended.then(() => fail('The Workers could not be started. wrangler ended and says:'))
  try {
    const stopping = AbortSignal.any(signal ? [failed.signal, signal] : [failed.signal])
    await waitForHealth(`http://127.0.0.1:${port}/health`, stopping)
  } catch (error) {
    await group.stop()
    throw error
  }
  ready = true
  for (const line of warnings) onLine(line)
  return group
}
