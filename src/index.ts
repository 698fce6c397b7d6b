import { createApp } from './app.ts'
import { readConfig } from './config.ts'
import type { Services } from './env.ts'
import { createResultStore } from './hosting/storage.ts'
import type { MatteService } from './matte/matte.ts'
import { Ledger } from './payments/ledger.ts'
import { createPayments } from './payments/protocols/index.ts'
import type { LedgerClient } from './payments/till.ts'

/** Made once per isolate: `env` is the same object for all of its requests. */
const remembered = new WeakMap<Env, Services>()

function openServices(env: Env): Services {
  const known = remembered.get(env)
  if (known) return known
  const config = readConfig(env)
  for (const problem of config.problems)
    console.warn(JSON.stringify({ level: 'warn', event: 'configuration', problem }))
  const payments = createPayments(config)
  // The generated types know the binding, not the RPC methods behind it.
  const matte = env.MATTE as unknown as MatteService
  const services: Services = {
    config,
    till: {
      protocols: payments.protocols,
      // RPC's types take our `payload: unknown` for something that cannot be sent.
      openLedger: (key) => env.LEDGER.getByName(key) as unknown as LedgerClient,
      results: createResultStore(env.STORAGE),
    },
    matte,
    dependencies: [
      ...payments.dependencies,
      { name: 'matte', check: () => matte.ping() },
      { name: 'storage', check: async () => void (await env.STORAGE.head('health')) },
    ],
  }
  remembered.set(env, services)
  return services
}

/** The payment ledger of this deployment. */
export class PaymentLedger extends Ledger {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, openServices(env).till)
  }
}

export default createApp(openServices)
