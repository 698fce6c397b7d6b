/**
 * Child processes that leave nothing behind. The command runs under a supervisor (this file, run as a program) that
 * leads a process group of its own. When the command ends, when the parent asks, or when the parent is gone by whatever
 * means (the supervisor's standard input ends), the command is asked to end, and then the whole group is killed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const GRACE_MS = 4000
const REAP_MS = 1000
const isWindows = process.platform === 'win32'

export interface ProcessGroupOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Called with every line of the group's standard output and standard error, without its line end. */
  readonly onLine: (line: string, from: 'stdout' | 'stderr') => void
}

/** A running command with all its descendants. */
export interface ProcessGroup {
  /** Resolves when the command has ended, for whatever reason, and so has every descendant. */
  readonly ended: Promise<void>
  /** Ends the command and every descendant; the same as `ended` when they are gone already. */
  stop(): Promise<void>
}

/** Windows has no process groups to signal: there the tree below the process is ended. */
function killTree(pid: number): void {
  if (isWindows) spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'])
  else process.kill(-pid, 'SIGKILL')
}

/** False once no process of the group is left. */
function killGroup(pid: number): boolean {
  try {
    killTree(pid)
    return !isWindows
  } catch {
    return false
  }
}

async function waitForGroup(supervisor: ChildProcess): Promise<void> {
  const { pid } = supervisor
  await new Promise<void>((resolve) => {
    supervisor.once('close', () => resolve())
    supervisor.once('error', () => resolve())
    // A descendant that outlives its supervisor holds the pipes open, and so would hold up 'close'.
    supervisor.once('exit', () => pid !== undefined && killGroup(pid))
  })
  if (pid === undefined) return
  // Killed processes stay in the group until somebody has waited for them.
  const deadline = Date.now() + REAP_MS
  while (killGroup(pid) && Date.now() < deadline) await sleep(20)
}

/** Starts a Node program (`script` with its arguments) in a process group of its own. */
export function startProcessGroup(script: string, args: readonly string[], options: ProcessGroupOptions): ProcessGroup {
  const { cwd, env, onLine } = options
  const supervisor = spawn(process.execPath, [import.meta.filename, script, ...args], {
    cwd,
    env,
    detached: !isWindows,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // The pipe breaks when the supervisor dies first; `ended` tells that.
  supervisor.stdin.on('error', () => {})
  for (const from of ['stdout', 'stderr'] as const) {
    createInterface({ input: supervisor[from] }).on('line', (line) => onLine(line, from))
  }
  const ended = waitForGroup(supervisor)
  return {
    ended,
    stop() {
      supervisor.stdin.end()
      return ended
    },
  }
}

function supervise([script, ...args]: readonly string[]): void {
  if (script === undefined) throw new Error('usage: node process-group.ts SCRIPT [ARGUMENT…]')
  const command = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const kill = () => killTree(process.pid)
  const stop = () => {
    command.kill('SIGTERM')
    setTimeout(kill, GRACE_MS)
  }
  command.once('exit', kill)
  command.once('error', kill)
  process.stdin.resume().once('close', stop)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, stop)
}

if (process.argv[1] === import.meta.filename) supervise(process.argv.slice(2))
