import { createApp } from './app.ts'
import { type Config, readConfig } from './config.ts'
import type { Services } from './env.ts'
import { createOpenPayments, createResultStore, createSpool } from './hosting/storage.ts'
import { type ContainerRoute, createContainerMatte } from './matte/container.ts'
import { MatteHosts } from './matte/hosts.ts'
import type { MatteService } from './matte/matte.ts'
import type { IdempotencyKeyClient } from './payments/idempotency-key.ts'
import { Ledger } from './payments/ledger.ts'
import { createBreaker, createUnpaidLimit } from './payments/limits.ts'
import { createPayments } from './payments/protocols/index.ts'
import type { OpenStanding, StandingClient } from './payments/standing.ts'
import type { LedgerClient } from './payments/till.ts'

export { IdempotencyKey } from './payments/idempotency-object.ts'
export { Standing } from './payments/standing-object.ts'

/** Made once per isolate: `env` is the same object for all of its requests. */
const remembered = new WeakMap<Env, Services>()

/** How the Container is reached, where there is one: wrangler.toml binds it, or `CONTAINER_URL` names it. */
function findContainer(env: Env & { CONTAINER?: Fetcher }, { container }: Config): ContainerRoute | null {
  const { CONTAINER: binding } = env
  if (binding) return { fetch: (request) => binding.fetch(request), base: 'https://container', token: null }
  return container && { fetch: (request) => fetch(request), base: container.url, token: container.token }
}

function openServices(env: Env): Services {
  const known = remembered.get(env)
  if (known) return known
  const config = readConfig(env)
  for (const problem of config.problems)
    console.warn(JSON.stringify({ level: 'warn', event: 'configuration', problem }))
  const payments = createPayments(config)
  // The generated types know the binding, not the RPC methods behind it.
  const edge = env.MATTE as unknown as MatteService
  const route = findContainer(env, config)
  const container = route && createContainerMatte(route)
  const openStanding: OpenStanding = (name) => env.STANDING.getByName(name) as unknown as StandingClient
  const services: Services = {
    config,
    till: {
      protocols: payments.protocols,
      // RPC's types take our `payload: unknown` for something that cannot be sent.
      openLedger: (key) => env.LEDGER.getByName(key) as unknown as LedgerClient,
      openIdempotencyKey: (hash) => env.IDEMPOTENCY_KEY.getByName(hash) as unknown as IdempotencyKeyClient,
      openStanding,
      results: createResultStore(env.STORAGE),
      spool: createSpool(env.STORAGE),
      openPayments: createOpenPayments(env.STORAGE),
      unpaidLimit: createUnpaidLimit(env.UNPAID),
      breaker: createBreaker(openStanding, config.maxUnpaidLossPerHour),
    },
    matte: new MatteHosts({ edge, ...(container && { container }) }),
    dependencies: [
      ...payments.dependencies,
      { name: 'matte', check: () => edge.ping() },
      ...(container ? [{ name: 'container', check: () => container.ping() }] : []),
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
