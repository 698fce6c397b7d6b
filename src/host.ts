import type { Config } from './config.ts'

/** One of the names that this deployment answers to. The host decides what is offered, never what is accepted. */
export interface Host {
  readonly role: 'apex' | 'x402' | 'mpp' | 'images'
  /** Scheme, name and port, from configuration: links are built from it. */
  readonly origin: string
  /** The name alone: the realm of challenges. */
  readonly name: string
}

/** The configured host that a request asks; an unknown one is the apex. */
export function findHost({ publicUrl, hosts }: Config, url: URL): Host {
  const apex = new URL(publicUrl)
  const role = (['x402', 'mpp', 'images'] as const).find((candidate) => hosts[candidate] === url.hostname)
  const name = (role && hosts[role]) ?? apex.hostname
  const port = apex.port && `:${apex.port}`
  return { role: role ?? 'apex', origin: `${apex.protocol}//${name}${port}`, name }
}
