import { createApp } from './app.ts'
import { type Config, readConfig } from './config.ts'
import type { Services } from './env.ts'
import type { DailyCapClient } from './hosting/daily-cap.ts'
import { HostedFiles, type PublicPlaces } from './hosting/files.ts'
import type { ResizeService } from './hosting/resize.ts'
import { createOpenPayments, createResultStore, createSpool } from './hosting/storage.ts'
import { sweep } from './hosting/sweep.ts'
import type { UploadTokenClient } from './hosting/upload-token.ts'
import { Variants } from './hosting/variants.ts'
import { type ContainerRoute, createContainerMatte } from './matte/container.ts'
import { MatteHosts } from './matte/hosts.ts'
import type { MatteService } from './matte/matte.ts'
import type { IdempotencyKeyClient } from './payments/idempotency-key.ts'
import { Ledger } from './payments/ledger.ts'
import { createBreaker, createUnpaidLimit } from './payments/limits.ts'
import { createPayments } from './payments/protocols/index.ts'
import type { OpenStanding, StandingClient } from './payments/standing.ts'
import type { LedgerClient } from './payments/till.ts'

export { DailyCap } from './hosting/daily-cap-object.ts'
export { UploadToken } from './hosting/upload-token-object.ts'
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

/** Files have a host of their own where there is one, and a folder of the apex where there is none. */
function describePlaces({ publicUrl, hosts }: Config): PublicPlaces {
  const manage = `${publicUrl}/api/files`
  if (hosts.images === null) return { files: `${publicUrl}/i`, manage }
  const files = new URL(publicUrl)
  files.hostname = hosts.images
  return { files: files.origin, manage }
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
  const resize = env.RESIZE as unknown as ResizeService
  const files = new HostedFiles(env.STORAGE, describePlaces(config))
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
    files,
    variants: new Variants(env.STORAGE, files, resize),
    openUploadToken: (name) => env.UPLOAD_TOKEN.getByName(name) as unknown as UploadTokenClient,
    openDailyCap: (day) => env.DAILY_CAP.getByName(day) as unknown as DailyCapClient,
    dependencies: [
      ...payments.dependencies,
      { name: 'matte', check: () => edge.ping() },
      ...(container ? [{ name: 'container', check: () => container.ping() }] : []),
      { name: 'resize', check: () => resize.ping() },
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

const app = createApp(openServices)

export default {
  fetch: app.fetch,
  /** Every hour: deletes what has expired. */
  async scheduled(_, env) {
    const { deleted, isDone } = await sweep(openServices(env).files)
    console.log(JSON.stringify({ level: 'info', event: 'sweep', deleted, isDone }))
  },
} satisfies ExportedHandler<Env>
