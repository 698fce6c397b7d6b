import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProcessGroup } from '../../workers/local/process-group.ts'

/** Starts a grandchild that ignores every polite signal, and names both process ids. */
const stubborn = `
import { spawn } from 'node:child_process'
const code = \`
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {})
  setInterval(() => {}, 1e6)
  console.log(process.pid)
\`
const child = spawn(process.execPath, ['-e', code])
child.stdout.once('data', (text) => console.log(JSON.stringify([process.pid, Number(text)])))
setInterval(() => {}, 1e6)
`

let folder: string
let script: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pixtoll-group-'))
  script = join(folder, 'stubborn.mjs')
  await writeFile(script, stubborn)
})
afterAll(() => rm(folder, { recursive: true }))

/** Whether the process runs: one that is dead but not yet waited for does not. */
async function isAlive(pid: number): Promise<boolean> {
  const ps = spawn('ps', ['-o', 'stat=', '-p', String(pid)])
  const chunks: Buffer[] = []
  for await (const chunk of ps.stdout) chunks.push(chunk as Buffer)
  const state = Buffer.concat(chunks).toString().trim()
  return state !== '' && !state.startsWith('Z')
}

async function startStubborn() {
  let hear: (pids: number[]) => void
  const told = new Promise<number[]>((resolve) => {
    hear = resolve
  })
  const onLine = (line: string) => hear(JSON.parse(line) as number[])
  const group = startProcessGroup(script, [], { cwd: folder, env: process.env, onLine })
  return { group, pids: await told }
}

const countAlive = async (pids: readonly number[]) => (await Promise.all(pids.map(isAlive))).filter(Boolean).length

describe('a process group', () => {
  it('leaves no descendant when it is stopped, not even one that ignores signals', async () => {
    const { group, pids } = await startStubborn()
    expect(await countAlive(pids)).toBe(2)
    await group.stop()
    expect(await countAlive(pids)).toBe(0)
  })

  it('leaves no descendant when its command dies, and says so', async () => {
    const { group, pids } = await startStubborn()
    process.kill(pids[0]!, 'SIGKILL')
    await group.ended
    expect(await countAlive(pids)).toBe(0)
  })

  it('leaves no descendant when the process that started it is killed', async () => {
    const module = new URL('../../workers/local/process-group.ts', import.meta.url).href
    const code = `
      import { startProcessGroup } from '${module}'
      startProcessGroup('${script}', [], { cwd: '.', env: process.env, onLine: (line) => console.log(line) })
    `
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pids = await new Promise<number[]>((resolve) => {
      parent.stdout.once('data', (text) => resolve(JSON.parse(String(text)) as number[]))
    })
    parent.kill('SIGKILL')
    await expect.poll(() => countAlive(pids), { timeout: 8000 }).toBe(0)
  })

  it('tells what was said line by line, and ends when there is nothing to run', async () => {
    const lines: string[] = []
    const missing = join(folder, 'missing.mjs')
    const onLine = (line: string, from: string) => lines.push(`${from}: ${line}`)
    await startProcessGroup(missing, [], { cwd: folder, env: process.env, onLine }).ended
    expect(lines.join('\n')).toMatch(/^stderr: .*Cannot find module/m)
  })
})
