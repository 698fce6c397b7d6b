import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { isAddress, isHex } from 'viem'
import { z } from 'zod'

/** The repository's root. */
export const root = join(import.meta.dirname, '../..')

/** Where a running stack says what it is; present exactly while everything answers. */
export const stackFile = join(root, '.dev/stack.json')

/** Something about the stack that its user can put right: the message is a sentence for them. */
export class StackError extends Error {
  override name = 'StackError'
}

const address = z.custom<`0x${string}`>((value) => typeof value === 'string' && isAddress(value), 'is not an address')
const key = z.custom<`0x${string}`>((value) => isHex(value) && value.length === 66, 'is not a private key')

const schema = z.object({
  gateway: z.url(),
  /** Null on a system that the Container does not run on. */
  container: z.url().nullable(),
  adminToken: z.string(),
  rpc: z.url(),
  chainId: z.int().positive(),
  usdc: address,
  payTo: address,
  facilitator: z.url(),
  tempoRpc: z.url(),
  tempoPayTo: address,
  demo: z.object({ evmKey: key, tempoKey: key }),
})

/** What runs where: base URLs without a slash at the end, and who pays whom in what. */
export type Stack = z.infer<typeof schema>

/** Reads a stack file; undefined when there is none. Throws a `StackError` when it holds something else. */
export async function readStack(file = stackFile): Promise<Stack | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
  const fail = (reason: string) =>
    new StackError(`${relative(root, file)} does not describe a stack: ${reason}. Delete it, then run: npm run dev`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fail('it is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw fail(parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; '))
}

/** Writes a stack file in one step, so that no reader sees half of it. Resolves to what removes it again. */
export async function publishStack(stack: Stack, file = stackFile): Promise<() => Promise<void>> {
  const text = `${JSON.stringify(stack, null, 2)}\n`
  const draft = `${file}.${process.pid}`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(draft, text)
  await rename(draft, file)
  return async () => {
    // Another stack may have put its own in the place of ours.
    const present = await readFile(file, 'utf8').catch(() => undefined)
    if (present === text) await rm(file, { force: true })
  }
}

async function answers(url: string, init?: RequestInit): Promise<boolean> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(2000) })
    await response.body?.cancel()
    return true
  } catch {
    return false
  }
}

/**
 * The stack that a file describes, if its gateway and its chains answer; undefined when there is no file or it is a
 * stack's that is gone. Throws a `StackError` when the file holds something else.
 */
export async function findRunningStack(file = stackFile): Promise<Stack | undefined> {
  const stack = await readStack(file)
  if (!stack) return undefined
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId' })
  const call = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
  const alive = await Promise.all([
    answers(`${stack.gateway}/health`),
    answers(stack.rpc, call),
    answers(stack.tempoRpc, call),
  ])
  return alive.every(Boolean) ? stack : undefined
}
