/** The names under which callers reach the gateway: each offers its own protocols, and accepts all. */
export const hosts = ['apex', 'x402', 'mpp'] as const

export type Host = (typeof hosts)[number]

/** The base URL of a host, from that of the apex: `http://mpp.localhost:8787` from `http://localhost:8787`. */
export function nameHost(gateway: string, host: Host): string {
  if (host === 'apex') return gateway
  const url = new URL(gateway)
  url.hostname = `${host}.${url.hostname}`
  return url.origin
}
