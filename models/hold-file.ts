import { readFile, rm, writeFile } from 'node:fs/promises'
import { PullError } from './pull-error.ts'

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : null)

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

/** Writes down that this process has the file; false if somebody has written that before. */
async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Works while nobody else on this machine may write `target`: two who append to one part leave a mixture of which both
 * know the right sum. What a process left that is gone holds nobody up.
 * @throws PullError if another has it
 */
export async function holdFile<T>(target: string, work: () => Promise<T>): Promise<T> {
  const lock = `${target}.lock`
  if (!(await take(lock))) {
    const holder = await readFile(lock, 'utf8').catch(() => '')
    // Without a number, it is being written just now.
    const isLeft = holder !== '' && !isRunning(Number(holder))
    if (isLeft) await rm(lock, { force: true })
    if (!isLeft || !(await take(lock))) {
      throw new PullError(`Process ${holder} is fetching ${target}. If nobody is, remove ${lock}; run it again.`)
    }
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}
