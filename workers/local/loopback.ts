import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'

/** An HTTP server on loopback. */
export interface LocalServer {
  /** Base URL without a slash at its end, such as `http://127.0.0.1:8545`. */
  readonly url: string
  /** Ends every connection and resolves when the port is free again. */
  stop(): Promise<void>
}

/** A port to take: `port` itself, or with `fallback` any free one when it is taken. Port 0 is any free one. */
export interface PortWish {
  readonly port: number
  readonly fallback?: boolean
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')

const listen = (server: Server, port: number, host = '127.0.0.1'): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/** Serves a fetch handler on 127.0.0.1. Rejects with `EADDRINUSE` when the port is taken and there is no fallback. */
export async function serveLocally(
  handle: (request: Request) => Response | Promise<Response>,
  { port, fallback = false }: PortWish,
): Promise<LocalServer> {
  const server = createServer(getRequestListener(handle, { overrideGlobalObjects: false }))
  try {
    await listen(server, port)
  } catch (error) {
    if (!fallback || !isTaken(error)) throw error
    await listen(server, 0)
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => close(server) }
}

async function probe(port: number, host: string): Promise<number | undefined> {
  const server = createServer()
  try {
    await listen(server, port, host)
    return (server.address() as AddressInfo).port
  } catch (error) {
    if (isTaken(error)) return undefined
    throw error
  } finally {
    await close(server)
  }
}

/**
 * Whether nobody listens at this port of `localhost`. Both loopback addresses count, because clients try `::1` first
 * and would reach a stranger there.
 */
export async function isPortFree(port: number): Promise<boolean> {
  if ((await probe(port, '127.0.0.1')) === undefined) return false
  // A machine without IPv6 cannot listen there; then nobody else does.
  return (await probe(port, '::1').catch(() => port)) !== undefined
}

/**
 * Finds a port for a process that cannot be handed a listening socket: the wish when it is free, with `fallback` any
 * free one, else undefined.
 */
export async function findPort({ port, fallback = false }: PortWish): Promise<number | undefined> {
  if (port !== 0 && (await isPortFree(port))) return port
  return fallback || port === 0 ? probe(0, '127.0.0.1') : undefined
}
