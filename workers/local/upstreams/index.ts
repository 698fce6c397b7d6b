import { Hono } from 'hono'
import { type PortWish, serveLocally } from '../loopback.ts'
import { serveGemini } from './gemini.ts'
import { serveOpenaiImages } from './openai-images.ts'
import { serveSeedream } from './seedream.ts'
import { createStage } from './simulator.ts'
import { createServiceAccount, serveVeo } from './veo.ts'

export interface UpstreamsOptions extends Partial<PortWish> {
  /** What Veo gives out; a file that begins as an MP4 and that no player plays, unless given. */
  readonly video?: Uint8Array
}

/** Running simulators of all upstreams. */
export interface Upstreams {
  /** Base URL: the providers below it, and the hooks `GET /_log`, `POST /_fault`. */
  readonly url: string
  /** What the gateway is configured with to use them, by the names of its variables. */
  readonly values: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const keys = {
  gemini: 'AIzaSimulated-0123456789abcdefghijklmnop',
  seedream: 'ark-simulated-0123456789abcdef',
  openaiImages: 'sk-simulated-0123456789abcdef',
} as const

/**
 * Starts strict simulators of the upstreams on one loopback port: each speaks its provider's wire format, refuses what
 * the real one refuses, and makes small real pictures.
 */
export async function startUpstreams({ port = 0, fallback = false, video }: UpstreamsOptions = {}): Promise<Upstreams> {
  const app = new Hono()
  const server = await serveLocally(app.fetch, { port, fallback })
  const { account, publicKey } = createServiceAccount(`${server.url}/oauth/token`)
  const stage = createStage(app, video)
  serveGemini(app, stage, keys.gemini)
  serveVeo(app, stage, publicKey)
  serveSeedream(app, stage, keys.seedream)
  serveOpenaiImages(app, stage, keys.openaiImages)
  app.notFound(() => Response.json({ error: 'not_found' }, { status: 404 }))
  return {
    ...server,
    values: {
      GEMINI_API_KEY: keys.gemini,
      GEMINI_BASE_URL: `${server.url}/gemini/v1beta`,
      VERTEX_SERVICE_ACCOUNT: JSON.stringify(account),
      VERTEX_LOCATION: 'us-central1',
      VERTEX_BASE_URL: `${server.url}/vertex/v1`,
      ARK_API_KEY: keys.seedream,
      ARK_BASE_URL: `${server.url}/ark/api/v3`,
      OPENAI_IMAGES_API_KEY: keys.openaiImages,
      OPENAI_IMAGES_BASE_URL: `${server.url}/openai/v1`,
    },
  }
}
