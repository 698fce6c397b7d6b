import modelFile from '../../../models/edge.onnx'
import { createOrtSession } from '../../../workers/infer/ort.ts'
import { heldModel, runModel } from '../../../workers/infer/run-model.ts'

const sessions: Awaited<ReturnType<typeof createOrtSession>>[] = []

/** Runs the model on one made tensor; answers the sum of its alpha. */
async function run(): Promise<number> {
  const tensor = Float32Array.from({ length: 3 * heldModel.input.size ** 2 }, (_, i) => Math.sin(i / 1000) * 2)
  return (await runModel(tensor)).reduce((sum, value) => sum + value, 0)
}

/** Creates ort sessions beside the Worker's own until there is no memory for another; answers why. */
async function fill(): Promise<string> {
  try {
    while (sessions.length < 100)
      sessions.push(await createOrtSession(new Uint8Array(modelFile), { initialMiB: 16, maximumMiB: 64 }))
    return 'there is always memory'
  } catch (error) {
    return String(error)
  }
}

async function empty(): Promise<number> {
  for (const session of sessions) await session.release()
  return sessions.splice(0).length
}

const acts: Readonly<Record<string, () => Promise<number | string>>> = { '/run': run, '/fill': fill, '/empty': empty }

/** Does what the path says, and answers what came of it. */
export default {
  async fetch(request: Request): Promise<Response> {
    const act = acts[new URL(request.url).pathname]
    return Response.json(act ? await act().catch(String) : null)
  },
}
