import app, { IdempotencyKey, PaymentLedger, Standing } from '../../../src/index.ts'
import type { MatteService } from '../../../src/matte/matte.ts'

export { IdempotencyKey, PaymentLedger, Standing }

/** Answers at once with a result of 1 MB, so that what is left is the gateway's own work. */
const matte: Pick<MatteService, 'cut'> = {
  async cut() {
    const facts = { width: 1000, height: 1000, bbox: [0, 0, 1, 1], coverage: 0.5, model: 'none' } as const
    const { body } = new Response(new Uint8Array(1024 * 1024))
    return { ok: true, contentType: 'image/png', facts, body: body! }
  },
}
/** Keeps nothing: R2 is a service of its own. */
const storage = { put: async () => null, get: async () => null, head: async () => null, delete: async () => {} }

/** Every unpaid call counts for this bench, and none is too many. */
const unpaid: Pick<RateLimit, 'limit'> = { limit: async () => ({ success: true }) }

let whole: Env | undefined

export default {
  fetch(request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> {
    whole ??= { ...env, MATTE: matte, STORAGE: storage, UNPAID: unpaid } as unknown as Env
    return app.fetch(request, whole, context)
  },
}
