import { WorkerEntrypoint } from 'cloudflare:workers'
import type { InferResult, InferService } from '../../src/matte/matte.ts'
import { readHeapBytes } from './ort.ts'
import { heldModel, runModel } from './run-model.ts'

/** Runs the matte model. The runtime is synchronous, so calls that arrive together follow each other. */
export class Infer extends WorkerEntrypoint implements InferService {
  async ping(): Promise<void> {}

  async readMemory(): Promise<number> {
    return readHeapBytes()
  }

  async infer(model: string, tensor: Float32Array): Promise<InferResult> {
    if (model !== heldModel.id) {
      return { ok: false, code: 'processing_failed', message: `this Worker does not hold the matte model "${model}"` }
    }
    if (tensor.length !== 3 * heldModel.input.size ** 2) {
      return { ok: false, code: 'processing_failed', message: `${tensor.length} values are no input of "${model}"` }
    }
    const running = runModel(tensor)
    // A caller that hangs up must not cut the start of the runtime in half: it could never start again.
    this.ctx.waitUntil(running.catch(() => {}))
    try {
      return { ok: true, alpha: await running }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      console.error({ event: 'infer_failed', model, heap: readHeapBytes(), message })
      return { ok: false, code: /bad_alloc/.test(message) ? 'processor_unavailable' : 'processing_failed', message }
    }
  }
}

export default {
  /** This Worker has no route: it is reached through the binding alone. */
  fetch: () => new Response(null, { status: 404 }),
}
