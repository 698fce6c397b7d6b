import { Buffer } from 'node:buffer'
import type { Ask } from './protocol.ts'

const hash = async (bytes: Uint8Array): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)).toString('hex')

/**
 * Identifies "the same request": method, route, effective options and the body's bytes. Host, header order, the order
 * of options and the payment's envelope make no difference.
 */
export async function fingerprintOf(
  { method, route }: Ask,
  options: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<string> {
  const sorted = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1))
  return hash(new TextEncoder().encode(JSON.stringify([method, route, sorted, await hash(body)])))
}
