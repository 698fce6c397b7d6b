import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PullConsent, pullModel } from '../../models/pull.ts'
import { PullError } from '../../models/pull-error.ts'
import type { PulledModel } from '../../models/pulled-model.ts'
import { readSum, verifyModels } from '../../models/verify.ts'

const file = Buffer.from('the weights')
const sha256 = createHash('sha256').update(file).digest('hex')
const md5 = createHash('md5').update(file).digest('hex')
const server = createServer((_, response) => {
  requests += 1
  response.end(file)
})
let requests = 0
let url: string
let folder: string
let said: string[]

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/made.onnx`
})
afterAll(() => server.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixtoll-pull-'))
  said = []
  requests = 0
  return () => rmSync(folder, { recursive: true })
})

const createRow = (changes: Partial<PulledModel> = {}, sums: { md5?: string } = {}): PulledModel => ({
  ...{ id: 'made-8', file: 'pulled/made-8.onnx', sha256, bytes: file.length, licence: 'MIT', source: 'This test.' },
  ...{ commercial: true, memory: 'container', memoryMiB: 100 },
  input: { name: null, size: 8, mean: [0, 0, 0], std: [1, 1, 1] },
  output: { name: null, meaning: 'alpha' },
  origin: { kind: 'url', url, md5: sums.md5 ?? null, mostBytes: 1000 },
  ...changes,
})
const pull = (row: PulledModel, consent: PullConsent = {}) =>
  pullModel(row, (line) => said.push(line), { folder, ...consent })
const locate = (name: string) => join(folder, 'pulled', name)

describe('a model with a published sum', () => {
  it('is pulled, with its licence and its sum beside it, and verifies', async () => {
    await pull(createRow())
    expect(readFileSync(locate('made-8.onnx')).equals(file)).toBe(true)
    expect(JSON.parse(readFileSync(locate('made-8.licence.json'), 'utf8'))).toMatchObject({ licence: 'MIT', url })
    expect(readFileSync(locate('made-8.onnx.sha256'), 'utf8')).toBe(`${sha256}  made-8.onnx\n`)
    expect(verifyModels([createRow()], folder)).toEqual([])
    expect(said.join('\n')).toMatch(/fetching http[\s\S]*as its row says[\s\S]*is here/)
  })

  it('is not fetched again while it is the right one', async () => {
    await pull(createRow())
    await pull(createRow())
    expect(requests).toBe(1)
    writeFileSync(locate('made-8.onnx'), 'half')
    await pull(createRow())
    expect([requests, readFileSync(locate('made-8.onnx')).equals(file)]).toEqual([2, true])
  })
})

describe('a model whose licence is for non-commercial use alone', () => {
  const row = () => createRow({ commercial: false, licence: 'CC BY-NC 4.0' })
  it('is refused, naming the licence, before anything is fetched', async () => {
    await expect(pull(row())).rejects.toThrow(/non-commercial use alone \(CC BY-NC 4\.0\)/)
    await expect(pull(row(), { unverified: true })).rejects.toThrow(PullError)
    expect([requests, existsSync(locate('made-8.onnx'))]).toEqual([0, false])
  })
  it('is pulled where somebody asks for it expressly', async () => {
    await pull(row(), { nonCommercial: true })
    expect(existsSync(locate('made-8.onnx'))).toBe(true)
  })
})

describe('a model of which nobody has published a sum', () => {
  const row = () => createRow({ sha256: null, bytes: null })
  it('is refused', async () => {
    await expect(pull(row())).rejects.toThrow(/Nobody has published a sum/)
    expect(requests).toBe(0)
  })
  it('is pulled where somebody asks for it; its own sum is then said, written down, and the one that counts', async () => {
    await pull(row(), { unverified: true })
    expect(said.join('\n')).toContain(`sha256 ${sha256}, not verified`)
    expect([readSum(row(), folder), verifyModels([row()], folder)]).toEqual([sha256, []])
    writeFileSync(locate('made-8.onnx'), 'another')
    expect(verifyModels([row()], folder)).toEqual([expect.stringContaining(sha256)])
  })
  it('is verified by its md5 where that is published, and says what that is worth', async () => {
    await pull(createRow({ sha256: null, bytes: null }, { md5 }))
    expect(said.join('\n')).toMatch(/md5 is as published, which tells no malice/)
    await expect(pull(createRow({ id: 'x', file: 'pulled/x.onnx', sha256: null }, { md5: 'ab' }))).rejects.toThrow(
      /has md5/,
    )
  })
})

describe('two who pull the same model', () => {
  it('do not write into one another’s part: the second is told', async () => {
    const answers = await Promise.allSettled([pull(createRow()), pull(createRow())])
    expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(answers.find(({ status }) => status === 'rejected')).toMatchObject({ reason: expect.any(PullError) })
    expect([requests, verifyModels([createRow()], folder)]).toEqual([1, []])
  })

  it('are told of each other, and how to go on where there is no other', async () => {
    mkdirSync(join(folder, 'pulled'))
    writeFileSync(locate('made-8.onnx.lock'), String(process.ppid))
    await expect(pull(createRow())).rejects.toThrow(/is fetching .*made-8\.onnx\. If nobody is, remove .*\.lock/)
    expect(requests).toBe(0)
  })

  it('are one where the first was interrupted', async () => {
    mkdirSync(join(folder, 'pulled'))
    const gone = spawnSync(process.execPath, ['--version']).pid
    writeFileSync(locate('made-8.onnx.lock'), String(gone))
    await pull(createRow())
    expect(readdirSync(join(folder, 'pulled'))).not.toContain('made-8.onnx.lock')
  })
})

it('a file without any sum is a fault: nobody knows what it is', () => {
  writeFileSync(join(folder, 'stray.onnx'), 'stray')
  expect(verifyModels([createRow({ sha256: null, file: 'stray.onnx' })], folder)).toEqual([
    expect.stringContaining('no sum'),
  ])
})
