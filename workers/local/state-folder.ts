import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { root } from './stack-file.ts'

const parent = join(root, '.dev/state')

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of somebody else runs too, it only may not be signalled.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/**
 * Makes an empty folder for this process's stack, named by its process id, and deletes those of processes that are
 * gone. Two stacks of one checkout so never share storage, whoever started first.
 */
export async function createStateFolder(): Promise<string> {
  await mkdir(parent, { recursive: true })
  for (const name of await readdir(parent)) {
    if (!isRunning(Number(name))) await rm(join(parent, name), { recursive: true, force: true })
  }
  const folder = join(parent, String(process.pid))
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
  return folder
}
