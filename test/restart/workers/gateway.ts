import { createGenerationId, type GenerationClient } from '../../../src/generation/generation.ts'
import app, * as gateway from '../../../src/index.ts'
import type { LedgerClient } from '../../../src/payments/till.ts'
import { askStep, createMatte, createPreview, createResize, createStorage, createUnpaidLimit } from './stand-ins.ts'

type GivenEnv = Env & { CONTROL_URL: string }

/** The ledger's objects, which wait for the test before they collect: a row is `worked` until then. */
const holdSettle = ({ LEDGER, CONTROL_URL }: GivenEnv) => ({
  getByName: (name: string): LedgerClient =>
    new Proxy(LEDGER.getByName(name) as unknown as LedgerClient, {
      get: (ledger, method: keyof LedgerClient) => {
        if (method !== 'settle' && method !== 'collectFor') return ledger[method]
        return async (name: never) => {
          await askStep(CONTROL_URL, 'settle')
          return ledger[method](name)
        }
      },
    }),
})

/** The jobs' objects, which wait for the test before they begin: a payment has bought an id, and nobody knows it. */
const holdBegin = ({ GENERATION, CONTROL_URL }: GivenEnv) => ({
  getByName: (name: string): GenerationClient =>
    new Proxy(GENERATION.getByName(name) as unknown as GenerationClient, {
      get: (job, method: keyof GenerationClient) => {
        if (method !== 'begin') return job[method]
        return async (authorization: never) => {
          await askStep(CONTROL_URL, 'begin')
          return job.begin(authorization)
        }
      },
    }),
})

let whole: Env | undefined
/** The environment with what the test stands in for. One for the isolate, since services are remembered by it. */
function equip(given: Env): Env {
  const env = given as GivenEnv
  whole ??= {
    ...env,
    LEDGER: holdSettle(env),
    GENERATION: holdBegin(env),
    MATTE: createMatte(env.CONTROL_URL),
    RESIZE: createResize(),
    PREVIEW: createPreview(),
    STORAGE: createStorage(env.CONTROL_URL),
    UNPAID: createUnpaidLimit(),
  } as unknown as Env
  return whole
}

export { DailyCap, IdempotencyKey, Standing, UploadToken } from '../../../src/index.ts'

// Every class of src/index.ts that uses its environment is equipped here; each has its line in own-stack.ts.
export class PaymentLedger extends gateway.PaymentLedger {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, equip(env))
  }
}
export class Generation extends gateway.Generation {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, equip(env))
  }
}

/** Jobs that nobody has paid for, running: a test that wants many of them need not buy each. */
async function beginJobs(request: Request, { GENERATION }: Env): Promise<Response> {
  const { count } = await request.json<{ count: number }>()
  const ids = Array.from({ length: count }, createGenerationId)
  const begin = async (id: string) => {
    const job = GENERATION.getByName(id) as unknown as GenerationClient
    await job.reserve({
      ...{ id, model: 'nano-banana-2', provider: 'gemini', servedBy: null, isTransparent: false, deadlineSeconds: 300 },
      task: {
        ...{ kind: 'image', upstreamId: 'gemini-nano-banana-2.1', prompt: `number ${id}` },
        ...{ aspectRatio: '1:1', resolution: '1k', durationSeconds: null },
      },
    })
    await job.begin(null)
  }
  await Promise.all(ids.map(begin))
  return Response.json(ids)
}

export default {
  fetch: (request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> =>
    new URL(request.url).pathname === '/_jobs' ? beginJobs(request, env) : app.fetch(request, equip(env), context),
}
