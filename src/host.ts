import type { Config } from './config.ts'

/** One of the names that this deployment answers to. The host decides what is offered, never what is accepted. */
export interface Host {
  readonly role: 'apex' | 'x402' | 'mpp' | 'images'
  /** Scheme, name and port, from configuration: links are built from it. */
  readonly origin: string
  /** The name alone: the realm of challenges. */
  readonly name: string
}

interface Hosts {
  readonly apex: Host
  readonly others: ReadonlyMap<string, Host>
}

/** Made once for a configuration: every request asks. */
const known = new WeakMap<Config, Hosts>()

function createHosts({ publicUrl, hosts }: Config): Hosts {
  const { protocol, hostname, port } = new URL(publicUrl)
  const describe = (role: Host['role'], name: string): Host => ({
    role,
    origin: `${protocol}//${name}${port && `:${port}`}`,
    name,
  })
  const named = (['x402', 'mpp', 'images'] as const).flatMap((role) => {
    const name = hosts[role]
    return name === null ? [] : [[name, describe(role, name)] as const]
  })
  return { apex: describe('apex', hostname), others: new Map(named) }
}

/** The host and the path of an absolute URL, as they stand there: parsing it whole for every request costs more. */
export function splitUrl(url: string): { readonly host: string; readonly path: string } {
  const [, host = '', path] = /^[a-z]+:\/\/(\[[^\]]*\]|[^/:?#]*)(?::\d+)?([^?#]*)/.exec(url) ?? []
  // The same name with the dot of the root.
  return { host: host.replace(/\.$/, ''), path: path || '/' }
}

/** The configured host of that name; an unknown one is the apex. */
export function findHost(config: Config, name: string): Host {
  const hosts = known.get(config) ?? createHosts(config)
  known.set(config, hosts)
  return hosts.others.get(name) ?? hosts.apex
}
