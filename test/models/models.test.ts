import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, test } from 'vitest'
import { defaultMatteModel, findMatteModel, matteModels } from '../../models/index.ts'
import { allModels, findModel, pulledModels } from '../../models/registry.ts'
import { locateModel, verifyModels } from '../../models/verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'pixtoll-models-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('every file is the one that its row describes', () => expect(verifyModels()).toEqual([]))

test('the model card names every model and its checksum', () => {
  const card = readFileSync('models/README.md', 'utf8')
  for (const { id, sha256 } of allModels) {
    expect(card).toContain(id)
    if (sha256) expect(card).toContain(sha256)
  }
})

describe.each(pulledModels.map((model) => [model.id, model] as const))('the row of %s', (id, model) => {
  test('says where its file lies, and ends in the size of its input', () => {
    expect(model.file).toBe(`pulled/${id}.onnx`)
    expect(id).toMatch(new RegExp(`^[a-z\\d-]+-${model.input.size}$`))
  })
  test('names whole sums, or none, and who made it', () => {
    expect(model.sha256 ?? '0'.repeat(64)).toMatch(/^[\da-f]{64}$/)
    expect(model.source).toMatch(/https:\/\//)
    if (model.origin.kind === 'package') return
    expect(model.origin.url).toMatch(/^https:\/\//)
    expect(model.origin.md5 ?? '0'.repeat(32)).toMatch(/^[\da-f]{32}$/)
    expect(model.origin.mostBytes).toBeGreaterThanOrEqual(model.bytes ?? 1)
  })
  test('lets nobody sell what is licensed for non-commercial use', () => {
    expect(model.commercial).toBe(!/\bNC\b|non-commercial/.test(model.licence))
  })
})

test('a model is found by its id, or without its size where that fits one alone', () => {
  expect(findModel('isnet', pulledModels)?.id).toBe('isnet-1024')
  expect(findModel('birefnet', pulledModels)?.id).toBe('birefnet-1024')
  expect(findModel('birefnet-lite', pulledModels)?.id).toBe('birefnet-lite-1024')
  expect(findModel('', pulledModels)).toBeUndefined()
  const twice = [
    { ...defaultMatteModel, id: 'a-1' },
    { ...defaultMatteModel, id: 'a-2' },
  ]
  expect([findModel('a', twice), findModel('a-2', twice)?.id]).toEqual([undefined, 'a-2'])
})

test('ids are unique, and the default one is found by its id', () => {
  expect(new Set(allModels.map(({ id }) => id)).size).toBe(allModels.length)
  expect(findMatteModel(defaultMatteModel.id)).toBe(defaultMatteModel)
  expect(findMatteModel('no-such-model')).toBeUndefined()
})

describe.each(matteModels)('$id', (model) => {
  test('takes and answers what its row says', async () => {
    const session = await ort.InferenceSession.create(locateModel(model))
    const { size, name } = model.input
    const tensor = new ort.Tensor('float32', new Float32Array(3 * size * size), [1, 3, size, size])
    const answer = (await session.run({ [name]: tensor }))[model.output.name]
    expect(answer?.dims).toEqual([1, 1, size, size])
    const values = answer?.data as Float32Array
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true)
  })
  test('a file that differs in one byte is a fault that names both checksums', () => {
    const path = locateModel(model, folder)
    cpSync(locateModel(model), path)
    expect(verifyModels([model], folder)).toEqual([])
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1]! ^= 1
    writeFileSync(path, bytes)
    const faults = verifyModels([model], folder)
    expect(faults).toEqual([expect.stringContaining(model.sha256)])
    expect(faults[0]).toMatch(/has sha256 [0-9a-f]{64}/)
  })
  test('a missing file is a fault', () => {
    expect(verifyModels([{ ...model, file: 'nowhere.onnx' }], folder)).toEqual([expect.stringMatching(/is missing/)])
  })
})
