import type { Config } from './config.ts'
import type { ListedModel } from './generation/catalogue.ts'
import type { OpenGeneration } from './generation/generation.ts'
import type { Host } from './host.ts'
import type { OpenDailyCap } from './hosting/daily-cap.ts'
import type { HostedFiles } from './hosting/files.ts'
import type { OpenUploadToken } from './hosting/upload-token.ts'
import type { Variants } from './hosting/variants.ts'
import type { MatteHosts } from './matte/hosts.ts'
import type { PaymentDependency } from './payments/protocols/index.ts'
import type { Till } from './payments/till.ts'
import type { RequestBody } from './request-body.ts'

/** What endpoints need to generate. */
export interface Generations {
  /** All models, with who serves them here today. */
  list(): ListedModel[]
  readonly open: OpenGeneration
  /** Where jobs are asked about, up to their id. */
  readonly place: string
}

/** The parts of one deployment, made once per isolate by `src/index.ts`. */
export interface Services {
  readonly config: Config
  readonly till: Till
  readonly matte: MatteHosts
  readonly generation: Generations
  readonly files: HostedFiles
  readonly variants: Variants
  readonly openUploadToken: OpenUploadToken
  readonly openDailyCap: OpenDailyCap
  /** What `/health` looks at. */
  readonly dependencies: readonly PaymentDependency[]
}

/** The Hono generic of every handler and middleware. */
export interface AppEnv {
  Bindings: Env
  Variables: {
    services: Services
    /** Answered as `X-Request-Id` and as `request_id` in errors. */
    requestId: string
    /** Which of our names was asked. */
    host: Host
    /** The only way to read this request's body. */
    body: RequestBody
    /** Members of this request's log line. Never a header, a signature or a secret. */
    log: Record<string, string | number | boolean>
  }
}
