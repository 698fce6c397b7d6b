import { Container, getContainer } from '@cloudflare/containers'
import { healthPath } from '../../src/matte/wire.ts'

interface ContainerEnv {
  readonly CONTAINERS: DurableObjectNamespace<MatteContainer>
  /** How many containers share the work; `max_instances` in wrangler.toml must be as many. */
  readonly INSTANCES: string
  /** Ids of the models that callers may choose of, as in the gateway's wrangler.toml; all of them are in the image. */
  readonly MATTE_MODELS?: string
}

/** One container that runs `server.ts`. It starts with the first request and sleeps when there are none. */
export class MatteContainer extends Container<ContainerEnv> {
  override defaultPort = 8080
  override sleepAfter = '5m'
  override enableInternet = false
  override envVars: Record<string, string> = { MATTE_MODELS: this.env.MATTE_MODELS ?? '' }

  /** Asked for its health it answers for itself while it sleeps: to look must not wake it. */
  override async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === healthPath) {
      const { status } = await this.getState()
      if (status !== 'running' && status !== 'healthy') return Response.json({ status: 'asleep' })
    }
    return super.fetch(request)
  }
}

export default {
  /** Sends a request to one of the containers. There is no route: it is reached through the gateway's binding alone. */
  fetch(request: Request, { CONTAINERS, INSTANCES }: ContainerEnv): Promise<Response> {
    const instance = Math.floor(Math.random() * (Number(INSTANCES) || 1))
    return getContainer(CONTAINERS, `matte-${instance}`).fetch(request)
  },
}
