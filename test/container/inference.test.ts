import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { defaultMatteModel, type MatteModel } from '../../models/index.ts'
import { locateModel, locateSum } from '../../models/verify.ts'
import { loadModel, readInputSize } from '../../workers/container/inference.ts'

const { sha256, input, output } = defaultMatteModel
/** The default model's file, of which less is known. */
const unknown: MatteModel = {
  ...defaultMatteModel,
  file: 'copy.onnx',
  sha256: null,
  input: { ...input, name: null },
  output: { name: null, meaning: 'alpha' },
}
const tensor = Float32Array.from({ length: 3 * input.size ** 2 }, (_, i) => Math.sin(i / 50))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixtoll-inference-'))
  cpSync(locateModel(defaultMatteModel), join(folder, 'copy.onnx'))
  cpSync(locateModel(defaultMatteModel), join(folder, defaultMatteModel.file))
  return () => rmSync(folder, { recursive: true })
})

describe('a model without a published sum', () => {
  it('is loaded where its own was written down, and its first input and output are taken', async () => {
    writeFileSync(locateSum(unknown, folder), `${sha256}  copy.onnx\n`)
    const [known, other] = [await loadModel(defaultMatteModel, folder), await loadModel(unknown, folder)]
    expect(await other.infer(tensor)).toEqual(await known.infer(tensor))
  })
  it('is refused where none was, or another', async () => {
    await expect(loadModel(unknown, folder)).rejects.toThrow(/another file than models\/ says/)
    writeFileSync(locateSum(unknown, folder), `${'0'.repeat(64)}  copy.onnx\n`)
    await expect(loadModel(unknown, folder)).rejects.toThrow(/another file/)
  })
})

it('what a row says of the answer is heeded', async () => {
  const [plain, logit] = await Promise.all(
    (['alpha', 'logit'] as const).map((meaning) =>
      loadModel({ ...defaultMatteModel, output: { ...output, meaning } }, folder),
    ),
  )
  const [alpha, other] = [await plain!.infer(tensor), await logit!.infer(tensor)]
  const expected = alpha.alpha.map((value) => Math.round(255 / (1 + Math.exp(-value / 255))))
  expect(other.alpha.every((value, i) => Math.abs(value - expected[i]!) <= 1)).toBe(true)
})

it('a name that the graph does not have is an error that says which it has', async () => {
  const row = { ...defaultMatteModel, input: { ...input, name: 'picture' } }
  await expect(loadModel(row, folder)).rejects.toThrow(/no input "picture"; it has input/)
})

it('the side of a graph’s input is read from the graph', async () => {
  expect(await readInputSize(join(folder, 'copy.onnx'))).toBe(input.size)
})
