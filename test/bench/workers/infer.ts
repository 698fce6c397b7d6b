import { readHeapBytes } from '../../../workers/infer/ort.ts'
import { heldModel, runModel } from '../../../workers/infer/run-model.ts'

/** Runs the model as often as the path says (`/20`) on one made tensor; answers the heap and the sum of the alpha. */
export default {
  async fetch(request: Request): Promise<Response> {
    const runs = Number(new URL(request.url).pathname.slice(1))
    const tensor = Float32Array.from({ length: 3 * heldModel.input.size ** 2 }, (_, i) => Math.sin(i / 1000) * 2)
    let sum = 0
    for (let i = 0; i < runs; i += 1) sum = (await runModel(tensor)).reduce((total, value) => total + value, 0)
    return Response.json({ heapBytes: readHeapBytes(), sum })
  },
}
