import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import * as ort from 'onnxruntime-node'
import type { MatteModel } from '../../models/index.ts'
import { readAlpha } from '../../models/meaning.ts'
import { locateModel, readSum } from '../../models/verify.ts'
import type { Matte } from '../matte/alpha.ts'

/**
 * How the runtime is set: all the processors there are; an arena, without which each run asks the system for its memory
 * anew and takes four times as long; no memory pattern, which takes half as much again (docs/benchmarks.md).
 */
export const sessionOptions: ort.InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  graphOptimizationLevel: 'all',
  intraOpNumThreads: availableParallelism(),
  interOpNumThreads: 1,
  enableCpuMemArena: true,
  enableMemPattern: false,
}

/** A matte model that is loaded and has run once. */
export interface LoadedModel {
  readonly model: MatteModel
  /** The matte of an input tensor (3 x size x size floats). */
  infer(tensor: Float32Array): Promise<Matte>
}

/** Runs that take the processors in turn: two at once would only take twice the memory. */
class Turn {
  #last: Promise<unknown> = Promise.resolve()

  take<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#last.then(work)
    this.#last = next.catch(() => {})
    return next
  }
}

const turn = new Turn()

/** The name that a row gives, or the graph's first. @throws Error if the graph has none of that name */
function chooseName(named: string | null, names: readonly string[], kind: 'input' | 'output'): string {
  const name = named ?? names[0]
  if (name === undefined || !names.includes(name)) {
    throw new Error(`the graph has no ${kind} "${name}"; it has ${names.join(', ')}`)
  }
  return name
}

/**
 * Loads a model's file from `folder` and runs it once, so that the first picture waits for nothing.
 * @throws Error if the file is not the one that the model's row names, or the graph is not as the row says
 */
export async function loadModel(model: MatteModel, folder: string): Promise<LoadedModel> {
  const { input, output } = model
  const path = locateModel(model, folder)
  const file = await readFile(path)
  const sha256 = createHash('sha256').update(file).digest('hex')
  if (sha256 !== readSum(model, folder)) {
    throw new Error(`${path} is another file than models/ says: its sha256 is ${sha256}`)
  }
  // It reports to its maker unless told not to before its first session.
  process.env.ORT_DISABLE_TELEMETRY = '1'
  const session = await ort.InferenceSession.create(file, sessionOptions)
  const inputName = chooseName(input.name, session.inputNames, 'input')
  const outputName = chooseName(output.name, session.outputNames, 'output')
  const shape = [1, 3, input.size, input.size]

  const run = async (tensor: Float32Array): Promise<Matte> => {
    const feed = { [inputName]: new ort.Tensor('float32', tensor, shape) }
    // The other outputs of a graph cost nothing when nobody asks for them.
    const answer = (await session.run(feed, [outputName]))[outputName]
    if (!(answer?.data instanceof Float32Array) || answer.data.length !== input.size ** 2) {
      throw new Error(`the graph's output "${outputName}" is not one ${input.size} x ${input.size} float32 plane`)
    }
    return { alpha: readAlpha(answer.data, output.meaning), size: input.size }
  }
  await run(new Float32Array(3 * input.size ** 2))
  return { model, infer: (tensor) => turn.take(() => run(tensor)) }
}

/** What a graph takes, where it says so: the side of its square input; null where any size will do. */
export async function readInputSize(path: string): Promise<number | null> {
  process.env.ORT_DISABLE_TELEMETRY = '1'
  const session = await ort.InferenceSession.create(path, { ...sessionOptions, graphOptimizationLevel: 'disabled' })
  const [first] = session.inputMetadata
  const side = first?.isTensor ? first.shape.at(-1) : null
  await session.release()
  return typeof side === 'number' && side > 0 ? side : null
}
