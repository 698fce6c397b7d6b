import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import type { MatteModel } from '../../models/index.ts'
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

/**
 * Loads a model's file from `folder` and runs it once, so that the first picture waits for nothing.
 * @throws Error if the file is not the one that the model's row names
 */
export async function loadModel(model: MatteModel, folder: string): Promise<LoadedModel> {
  const { input, output } = model
  const path = join(folder, model.file)
  const file = await readFile(path)
  const sha256 = createHash('sha256').update(file).digest('hex')
  if (sha256 !== model.sha256) throw new Error(`${path} is another file than models/ says: its sha256 is ${sha256}`)
  // It reports to its maker unless told not to before its first session.
  process.env.ORT_DISABLE_TELEMETRY = '1'
  const session = await ort.InferenceSession.create(file, sessionOptions)
  const shape = [1, 3, input.size, input.size]

  const run = async (tensor: Float32Array): Promise<Matte> => {
    const feed = { [input.name]: new ort.Tensor('float32', tensor, shape) }
    // The other outputs of a graph cost nothing when nobody asks for them.
    const answer = (await session.run(feed, [output.name]))[output.name]
    if (!(answer?.data instanceof Float32Array) || answer.data.length !== input.size ** 2) {
      throw new Error(`the graph's output "${output.name}" is not one ${input.size} x ${input.size} float32 plane`)
    }
    return {
      alpha: Uint8Array.from(answer.data, (value) => Math.min(255, Math.max(0, value * 255 + 0.5))),
      size: input.size,
    }
  }
  await run(new Float32Array(3 * input.size ** 2))
  return { model, infer: (tensor) => turn.take(() => run(tensor)) }
}
