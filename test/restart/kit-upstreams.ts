import { afterAll, beforeAll, expect } from 'vitest'
import { startUpstreams } from '../../workers/local/upstreams/index.ts'
import { type OwnStack, startOwnStack } from './own-stack.ts'

/**
 * The one gateway of a test file, which generates by simulated upstreams. To be called where the file's hooks are.
 * @param vars more of its configuration, kept across restarts
 */
export function useUpstreams(vars: Readonly<Record<string, string>> = {}) {
  let upstreams: Awaited<ReturnType<typeof startUpstreams>>
  let stack: OwnStack
  /** Ends the process and starts another on the same storage, with these changes to its configuration. */
  const restart = (changes: Readonly<Record<string, string>> = {}) =>
    stack.restart({ ...upstreams.values, ...vars, ...changes })
  const setFaults = async (faults: readonly object[]) => {
    const answer = await fetch(`${upstreams.url}/_fault`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(faults),
    })
    expect(answer.status).toBe(200)
  }
  beforeAll(async () => {
    upstreams = await startUpstreams()
    stack = await startOwnStack()
    await restart()
  })
  afterAll(async () => {
    await stack.stop()
    await upstreams.stop()
  })
  return {
    restart,
    setFaults,
    get stack(): OwnStack {
      return stack
    },
    /** How many of the calls that the upstreams had look like this. */
    async countCalls(pattern = /./): Promise<number> {
      const log = (await (await fetch(`${upstreams.url}/_log`)).json()) as unknown[]
      return log.filter((call) => pattern.test(JSON.stringify(call))).length
    },
    async withFaults<Result>(faults: readonly object[], act: () => Promise<Result>): Promise<Result> {
      try {
        await setFaults(faults)
        return await act()
      } finally {
        await setFaults([])
      }
    },
  }
}
