import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import { afterAll, describe, expect, test } from 'vitest'
import { defaultMatteModel, findMatteModel, matteModels } from '../../models/index.ts'
import { packagedModels } from '../../models/packaged.ts'
import { locateModel, verifyModels } from '../../models/verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'pixtoll-models-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('every file is the one that its row describes', () => expect(verifyModels()).toEqual([]))

test('the model card names every model and its checksum', () => {
  const card = readFileSync('models/README.md', 'utf8')
  for (const { id, sha256 } of [...matteModels, ...packagedModels]) {
    expect(card).toContain(id)
    expect(card).toContain(sha256)
  }
})

test('ids are unique, and the default one is found by its id', () => {
  expect(new Set(matteModels.map(({ id }) => id)).size).toBe(matteModels.length)
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
