import { x402Facilitator } from '@x402/core/facilitator'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator'
import { Hono } from 'hono'
import type { Account, VerifyTypedDataParameters } from 'viem'
import { z } from 'zod'
import { createChainClient } from './chain.ts'
import { createFaults, describeHttpFaults, serveFaultHook, showHttpFault } from './faults.ts'
import { type PortWish, serveLocally } from './loopback.ts'
import { createQueue } from './queue.ts'

const faultSchema = z.discriminatedUnion('mode', describeHttpFaults({ op: z.enum(['verify', 'settle']) }))

type Fault = z.infer<typeof faultSchema>
type Operation = Fault['op']

export interface FacilitatorOptions extends Partial<PortWish> {
  /** JSON-RPC of the chain to settle on. */
  readonly rpc: string
  readonly chainId: number
  /** Pays the gas; nobody else may send from it while the facilitator runs. */
  readonly account: Account
  /** How long a settlement waits for its receipt before it answers `settlement_pending` with the hash; 10 s. */
  readonly confirmationTimeoutMs?: number
}

/** One call, as `GET /_log` lists it; written when the call arrives, completed when it is answered. */
export interface FacilitatorLogEntry {
  readonly op: Operation
  /** When it arrived; milliseconds since the epoch. */
  readonly at: number
  x402Version?: number
  /** What was answered: `ok`, the facilitator's reason, or `fault`. */
  outcome?: string
}

/** A running facilitator. */
export interface Facilitator {
  /** Base URL: `GET /supported`, `POST /verify`, `POST /settle`, and the hooks `GET /_log`, `POST /_fault`. */
  readonly url: string
  stop(): Promise<void>
}

// Only the shape that the library needs in order not to throw; whether the payment is good is for the library to say.
const callSchema = z.object({
  paymentPayload: z.looseObject({ x402Version: z.union([z.literal(1), z.literal(2)]), payload: z.looseObject({}) }),
  paymentRequirements: z.looseObject({ scheme: z.string(), network: z.string() }),
})

function createSettler({ rpc, chainId, account, confirmationTimeoutMs = 10_000 }: FacilitatorOptions) {
  const client = createChainClient(rpc, chainId, account)
  const enqueue = createQueue()
  const signer = toFacilitatorEvmSigner(
    {
      ...client,
      address: account.address,
      verifyTypedData: (args) => client.verifyTypedData(args as VerifyTypedDataParameters),
      // One at a time, because each takes the account's next nonce from the chain: a nonce that is counted here would
      // be lost with a transaction that never goes out, and every later one would wait for it.
      writeContract: (args) => enqueue(() => client.writeContract(args)),
      sendTransaction: (args) => enqueue(() => client.sendTransaction(args)),
    },
    { confirmationTimeoutMs },
  )
  const facilitator = new x402Facilitator()
  registerExactEvmScheme(facilitator, { signer, networks: [`eip155:${chainId}`] })
  return facilitator
}

async function readJson(request: Request): Promise<unknown> {
  try {
    return await request.json()
  } catch {
    return undefined
  }
}

const refuse = (error: string): Response => Response.json({ error }, { status: 400 })

function createApp(settler: x402Facilitator): Hono {
  const app = new Hono()
  const faults = createFaults<Fault>()
  const log: FacilitatorLogEntry[] = []

  const work = async (op: Operation, body: unknown, entry: FacilitatorLogEntry): Promise<Response> => {
    const call = callSchema.safeParse(body)
    if (!call.success) {
      entry.outcome = 'malformed'
      return refuse(z.prettifyError(call.error))
    }
    entry.x402Version = call.data.paymentPayload.x402Version
    const payload = call.data.paymentPayload as unknown as PaymentPayload
    const requirements = call.data.paymentRequirements as unknown as PaymentRequirements
    try {
      if (op === 'verify') {
        const answer = await settler.verify(payload, requirements)
        entry.outcome = answer.isValid ? 'ok' : (answer.invalidReason ?? 'invalid')
        return Response.json(answer)
      }
      const answer = await settler.settle(payload, requirements)
      entry.outcome = answer.success ? 'ok' : (answer.errorReason ?? 'failed')
      return Response.json(answer)
    } catch (error) {
      // The library throws on what it does not serve, such as an unknown network.
      entry.outcome = error instanceof Error ? error.message : String(error)
      return refuse(entry.outcome)
    }
  }

  const strike = async (op: Operation, when: Fault['when']): Promise<Response | undefined> => {
    const fault = faults.take(when, (fault) => fault.op === op)
    return fault && showHttpFault(fault)
  }

  for (const op of ['verify', 'settle'] as const) {
    app.post(`/${op}`, async (c) => {
      const entry: FacilitatorLogEntry = { op, at: Date.now() }
      log.push(entry)
      const body = await readJson(c.req.raw)
      const instead = await strike(op, 'before')
      if (instead) {
        entry.outcome = 'fault'
        return instead
      }
      const answer = await work(op, body, entry)
      return (await strike(op, 'after')) ?? answer
    })
  }
  app.get('/supported', () => Response.json(settler.getSupported()))
  app.get('/_log', () => Response.json(log))
  serveFaultHook(app, faultSchema, faults)
  app.notFound(() => Response.json({ error: 'not_found' }, { status: 404 }))
  return app
}

/** Starts a real x402 facilitator (scheme `exact` on EVM, v1 and v2) on loopback that settles on the given chain. */
export async function startFacilitator(options: FacilitatorOptions): Promise<Facilitator> {
  const { port = 0, fallback = false } = options
  return serveLocally(createApp(createSettler(options)).fetch, { port, fallback })
}
