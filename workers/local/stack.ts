import { rm } from 'node:fs/promises'
import { isContainerPossible, type LocalContainer, startContainer } from './container.ts'
import { type Gateway, PortTakenError, startGateway } from './gateway.ts'
import { findPort } from './loopback.ts'
import { type Stack, StackError } from './stack-file.ts'
import { createStateFolder } from './state-folder.ts'
import { startWorld } from './world.ts'

/** The usual ports; each gives way to a free one when it is taken. */
const PORTS = { gateway: 8787, rpc: 8545, facilitator: 8402, tempo: 8546 }

export interface StackOptions {
  /** The gateway's port when it must be this one; 0 is any free one. */
  readonly port?: number
  /** Called with each line that the Workers log, and with wrangler's warnings and errors. */
  readonly onLine: (line: string) => void
  /** Ends a start that is still under way; the promise then rejects with its reason. */
  readonly signal?: AbortSignal
}

/** The whole product running on this machine. */
export interface RunningStack {
  readonly stack: Stack
  /** Resolves when the Workers have ended, by `stop` or by themselves. */
  readonly ended: Promise<void>
  /** Ends every part of it; resolves when no process is left. */
  stop(): Promise<void>
}

/** What `startGateway` does, on the port that was asked for, or on the usual one, or on any free one. */
async function startGatewaySomewhere(
  asked: number | undefined,
  start: (port: number) => Promise<Gateway>,
): Promise<{ gateway: Gateway; port: number }> {
  const fallback = asked === undefined || asked === 0
  const port = await findPort({ port: asked ?? PORTS.gateway, fallback })
  if (port === undefined) throw new StackError(`Port ${asked} is taken. Free it, or choose another with PORT=.`)
  try {
    return { gateway: await start(port), port }
  } catch (error) {
    if (!fallback || !(error instanceof PortTakenError)) throw error
    return startGatewaySomewhere(0, start)
  }
}

/**
 * Starts the world (chains, facilitator, wallets) in this process, the Container and all Workers in children, and
 * resolves when everything answers. Rejects with a `StackError` when a port that was asked for is taken or the Workers
 * do not start; nothing is left running then.
 */
export async function startStack({ port: asked, ...options }: StackOptions): Promise<RunningStack> {
  const stateFolder = await createStateFolder()
  const world = await startWorld({
    rpcPort: { port: PORTS.rpc, fallback: true },
    facilitatorPort: { port: PORTS.facilitator, fallback: true },
    tempoPort: { port: PORTS.tempo, fallback: true },
  })
  const nameUrl = (port: number) => `http://localhost:${port}`
  let container: LocalContainer | undefined
  const end = async () => {
    await container?.stop()
    await world.stop()
    await rm(stateFolder, { recursive: true, force: true })
  }
  try {
    if (isContainerPossible) container = await startContainer(options)
    const containerUrl = container?.url ?? null
    const { gateway, port } = await startGatewaySomewhere(asked, (port) => {
      options.signal?.throwIfAborted()
      const vars = { ...world.gatewayVars(nameUrl(port)), ...(containerUrl && { CONTAINER_URL: containerUrl }) }
      return startGateway({ ...options, port, stateFolder, vars })
    })
    const { rpc, chainId, usdc, payTo, facilitator, tempoRpc, tempoPayTo, demo, adminToken } = world
    return {
      stack: {
        ...{ gateway: nameUrl(port), container: containerUrl, adminToken },
        ...{ rpc, chainId, usdc, payTo, facilitator, tempoRpc, tempoPayTo, demo },
      },
      ended: gateway.ended,
      async stop() {
        await gateway.stop()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}
