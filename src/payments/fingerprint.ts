import { Buffer } from 'node:buffer'
import type { Ask } from './protocol.ts'

/**
 * Identifies "the same request": method, route, effective options and the body's bytes. Host, header order, the order
 * of options and the payment's envelope make no difference.
 * @param sha256 hash of the body, in hex
 */
export async function fingerprintOf(
  { method, route }: Pick<Ask, 'method' | 'route'>,
  options: Readonly<Record<string, string>>,
  sha256: string,
): Promise<string> {
  const sorted = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))
  const described = new TextEncoder().encode(JSON.stringify([method, route, sorted, sha256]))
  return Buffer.from(await crypto.subtle.digest('SHA-256', described)).toString('hex')
}
