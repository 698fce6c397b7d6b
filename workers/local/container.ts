import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findPort } from './loopback.ts'
import { startProcessGroup } from './process-group.ts'
import { root, StackError } from './stack-file.ts'

/** ONNX Runtime has no binary for Node on macOS with an Intel processor. */
export const isContainerPossible = !(process.platform === 'darwin' && process.arch === 'x64')

const START_LIMIT_MS = 30_000

export interface ContainerOptions {
  /** What the server reads besides its port, such as `MEMORY_MIB`. */
  readonly env?: Readonly<Record<string, string>>
  /** Called with each line that the server writes. */
  readonly onLine: (line: string) => void
  /** Ends a start that is still under way; the promise then rejects with its reason. */
  readonly signal?: AbortSignal
}

/** The Container's server as a process of this machine. */
export interface LocalContainer {
  /** Base URL. */
  readonly url: string
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>
  /** Ends it; pictures in work are given a few seconds. */
  stop(): Promise<void>
}

/** Starts the Container's server on any free port and resolves when it answers; its models may still be loading. */
export async function startContainer({ env = {}, onLine, signal }: ContainerOptions): Promise<LocalContainer> {
  const port = await findPort({ port: 0, fallback: true })
  const said: string[] = []
  const hear = (line: string) => {
    if (said.length < 40) said.push(line)
    onLine(line)
  }
  const group = startProcessGroup(join(root, 'workers/container/server.ts'), [], {
    cwd: root,
    env: { ...process.env, ...env, HOST: '127.0.0.1', PORT: String(port) },
    onLine: hear,
  })
  let hasEnded = false
  void group.ended.then(() => {
    hasEnded = true
  })
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + START_LIMIT_MS
  while (!(await answers(`${url}/health`))) {
    if (signal?.aborted || hasEnded || Date.now() > deadline) {
      await group.stop()
      signal?.throwIfAborted()
      throw new StackError(['The Container could not be started. It says:', ...said].join('\n'))
    }
    await sleep(50)
  }
  return { url, ended: group.ended, stop: () => group.stop() }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    async ({ ok, body }) => {
      await body?.cancel()
      return ok
    },
    () => false,
  )
