import modelFile from '../../models/edge.onnx'
import { defaultMatteModel } from '../../models/index.ts'
import { readAlpha } from '../../models/meaning.ts'
import { createOrtSession, Tensor } from './ort.ts'

// The default model needs 33 MiB; an isolate has 128 MB for this, the model file (3 MB), tensors and JavaScript.
const memory = { initialMiB: 16, maximumMiB: 64 }

let session: ReturnType<typeof createOrtSession> | undefined

/** The isolate's one ort session, created by the first call. A failed start is forgotten: the next call tries again. */
function loadSession(): ReturnType<typeof createOrtSession> {
  session ??= createOrtSession(new Uint8Array(modelFile), memory).catch((error: unknown) => {
    session = undefined
    throw error
  })
  return session
}

/** The model that this Worker holds. */
export const heldModel = defaultMatteModel

/**
 * Runs the held model on its input tensor (3 x size x size floats) and answers its 8-bit alpha, size x size. Rejects if
 * the runtime does not start, runs out of memory (`bad_alloc` in the message), or the graph answers something else.
 */
export async function runModel(tensor: Float32Array): Promise<Uint8Array> {
  const { input, output } = heldModel
  const ortSession = await loadSession()
  const feed = new Tensor('float32', tensor, [1, 3, input.size, input.size])
  const answer = (await ortSession.run({ [input.name]: feed }))[output.name]
  if (!(answer?.data instanceof Float32Array) || answer.data.length !== input.size ** 2) {
    throw new Error(`the graph's output "${output.name}" is not one ${input.size} x ${input.size} float32 plane`)
  }
  return readAlpha(answer.data, output.meaning)
}
