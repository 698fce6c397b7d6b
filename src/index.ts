import { createApp } from './app.ts'
import { now } from './clock.ts'
import { type Config, readConfig } from './config.ts'
import type { Generations, Services } from './env.ts'
import { listModels, PREVIEW } from './generation/catalogue.ts'
import type { GenerationClient, OpenGeneration } from './generation/generation.ts'
import { GenerationJob } from './generation/generation-object.ts'
import type { JobParts } from './generation/job.ts'
import type { PreviewService } from './generation/preview.ts'
import type { DailyCapClient } from './hosting/daily-cap.ts'
import { HostedFiles, type PublicPlaces } from './hosting/files.ts'
import { createOutputStore } from './hosting/outputs.ts'
import type { ResizeService } from './hosting/resize.ts'
import { createOpenPayments, createResultStore, createSpool } from './hosting/storage.ts'
import { sweep } from './hosting/sweep.ts'
import type { UploadTokenClient } from './hosting/upload-token.ts'
import { Variants } from './hosting/variants.ts'
import { createJobParts } from './job-parts.ts'
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
const remembered = new WeakMap<Env, Made>()

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

/** Who serves which model is asked anew for every request: a model is gone from a day on. */
function createGenerations({ generation, publicUrl }: Config, open: OpenGeneration): Generations {
  const { models, providers, allowPreview } = generation
  const isConfigured = (name: string) => (name === PREVIEW ? allowPreview : Object.hasOwn(providers, name))
  return {
    list: () => listModels({ models, isConfigured, allowPreview, today: new Date(now()).toISOString().slice(0, 10) }),
    open,
    place: `${publicUrl}/v1/generations`,
  }
}

/** All that is made for one environment. */
interface Made {
  readonly services: Services
  readonly job: JobParts
}

const openServices = (env: Env): Services => make(env).services

function make(env: Env): Made {
  const known = remembered.get(env)
  if (known) return known
  const config = readConfig(env)
  for (const problem of [...config.problems, ...config.generation.warnings]) {
    console.warn(JSON.stringify({ level: 'warn', event: 'configuration', problem }))
  }
  const payments = createPayments(config)
  // The generated types know the binding, not the RPC methods behind it.
  const edge = env.MATTE as unknown as MatteService
  const resize = env.RESIZE as unknown as ResizeService
  const files = new HostedFiles(env.STORAGE, describePlaces(config))
  const route = findContainer(env, config)
  const container = route && createContainerMatte(route)
  const openStanding: OpenStanding = (name) => env.STANDING.getByName(name) as unknown as StandingClient
  const matte = new MatteHosts({ edge, ...(container && { container }) }, config.matteModels, config.mostDoubt)
  const preview = env.PREVIEW as unknown as PreviewService
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
    matte,
    generation: createGenerations(config, (id) => env.GENERATION.getByName(id) as unknown as GenerationClient),
    files,
    variants: new Variants(env.STORAGE, files, resize),
    openUploadToken: (name) => env.UPLOAD_TOKEN.getByName(name) as unknown as UploadTokenClient,
    openDailyCap: (day) => env.DAILY_CAP.getByName(day) as unknown as DailyCapClient,
    dependencies: [
      ...payments.dependencies,
      { name: 'matte', check: () => edge.ping() },
      ...(container ? [{ name: 'container', check: () => container.ping() }] : []),
      { name: 'resize', check: () => resize.ping() },
      ...(config.generation.allowPreview ? [{ name: 'preview', check: () => preview.ping() }] : []),
      { name: 'storage', check: async () => void (await env.STORAGE.head('health')) },
    ],
  }
  const { openLedger } = services.till
  const job = createJobParts(config.generation, preview, matte, createOutputStore(files), {
    collect: ({ payment, result }) => openLedger(payment).collectFor(result),
    giveBack: ({ payment, result }, isTheirs) => openLedger(payment).giveBack(result, isTheirs),
  })
  const made = { services, job }
  remembered.set(env, made)
  return made
}

/** The payment ledger of this deployment. */
export class PaymentLedger extends Ledger {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, openServices(env).till)
  }
}

/** One generation of this deployment. */
export class Generation extends GenerationJob {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, make(env).job)
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
