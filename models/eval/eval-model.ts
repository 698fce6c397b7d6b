import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { type LoadedModel, loadModel, readInputSize } from '../../workers/container/inference.ts'
import type { Matte } from '../../workers/matte/alpha.ts'
import { free, type Picture } from '../../workers/matte/picture.ts'
import { createInput } from '../../workers/matte/tensor.ts'
import type { MatteModel } from '../index.ts'
import { allModels, findModel } from '../registry.ts'
import { hashFile, locateModel, modelsFolder } from '../verify.ts'
import { UsageError } from './usage-error.ts'

/** What a model makes of a picture: its matte, and the picture as it saw it, `size * size` red, green, blue. */
export interface Sight {
  readonly matte: Matte
  readonly thumbnail: Uint8ClampedArray
}

/** Whatever answers a picture with a matte: a model, or several that decide between them. */
export interface EvalModel {
  readonly name: string
  matte(picture: Picture): Promise<Sight>
}

/** A loaded model, fed as the product feeds it. */
export function createEvalModel({ model, infer }: LoadedModel, name = model.id): EvalModel {
  return {
    name,
    async matte(picture) {
      const { tensor, thumbnail } = createInput(picture, model.input)
      const matte = await infer(tensor)
      free(tensor)
      return { matte, thumbnail }
    },
  }
}

/** What a file that has no row is taken for, where nobody says more. */
export interface FileOptions {
  /** Side of the input, where the graph takes any. */
  readonly size?: number
  readonly mean?: MatteModel['input']['mean']
  readonly std?: MatteModel['input']['std']
  readonly meaning?: MatteModel['output']['meaning']
}

const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const

/** A row for an .onnx file that has none: the first input and output, and ImageNet's mean and deviation. */
async function describeFile(path: string, options: FileOptions): Promise<MatteModel> {
  const read = await readInputSize(path).catch((cause: unknown) => {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new UsageError(`${path} is no model that can be read: ${reason}`, { cause })
  })
  const size = read ?? options.size
  if (!size) throw new UsageError(`${path} takes pictures of any size; say which with --size`)
  const { mean, std } = { ...imageNet, ...options }
  return {
    id: basename(path, '.onnx'),
    file: path,
    sha256: await hashFile(path),
    bytes: null,
    licence: 'unknown',
    source: path,
    input: { name: null, size, mean, std },
    output: { name: null, meaning: options.meaning ?? 'alpha' },
  }
}

/**
 * The model that a command names: a row's id, or the path of an .onnx file.
 * @throws UsageError if there is no such model, or its file is not here
 */
export async function findRow(name: string, options: FileOptions = {}): Promise<MatteModel> {
  const row = findModel(name, allModels)
  if (row && existsSync(locateModel(row))) return row
  if (row) throw new UsageError(`${row.id} is not here yet: npm run models -- pull ${row.id}`)
  if (/\.onnx$/.test(name) && existsSync(name)) return describeFile(resolve(name), options)
  throw new UsageError(
    `There is no model "${name}"; there is ${allModels.map(({ id }) => id).join(', ')}, or an .onnx file.`,
  )
}

/** The same, loaded. */
export async function openModel(name: string, options: FileOptions = {}): Promise<EvalModel> {
  return createEvalModel(await loadModel(await findRow(name, options), modelsFolder))
}
