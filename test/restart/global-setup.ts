import { rm } from 'node:fs/promises'
import { findPort } from '../../workers/local/loopback.ts'
import { type GatewayVars, startWorld } from '../../workers/local/world.ts'
import { type Bundle, bundleWorker } from '../bench/bundle.ts'
import type { SharedStack } from '../e2e/global-setup.ts'

/** What every file needs to start a gateway of its own. */
export interface GatewayParts {
  readonly bundle: Bundle
  readonly vars: GatewayVars
}

declare module 'vitest' {
  export interface ProvidedContext {
    gatewayParts: GatewayParts
  }
}

const PUBLIC_URL = 'https://pixtoll.test'

interface Project {
  provide(key: 'stack', stack: SharedStack): void
  provide(key: 'gatewayParts', parts: GatewayParts): void
}

/**
 * Starts the world and bundles the gateway, once for all files. Each file starts gateways itself, always at the one
 * address that the kit of the end-to-end tests is told here.
 */
export default async function setup({ provide }: Project) {
  // Below the range from which outgoing connections take theirs: it must be free again after every kill.
  const wish = 20_000 + Math.floor(Math.random() * 12_000)
  const port = await findPort({ port: wish, fallback: true })
  const bundle = bundleWorker('test/restart/workers/gateway.toml')
  const world = await startWorld()
  provide('gatewayParts', { bundle, vars: world.gatewayVars(PUBLIC_URL) })
  provide('stack', {
    gateway: `http://127.0.0.1:${port}`,
    adminToken: world.adminToken,
    publicUrl: PUBLIC_URL,
    rpc: world.rpc,
    usdc: world.usdc,
    payTo: world.payTo,
    facilitator: world.facilitator,
    tempoRpc: world.tempoRpc,
    tempoPayTo: world.tempoPayTo,
    // Every file has a control server of its own; nobody listens for all of them.
    control: 'http://127.0.0.1:1',
  })
  return async () => {
    await world.stop()
    await rm(bundle.folder, { recursive: true })
  }
}
