import { Buffer } from 'node:buffer'
import { nowSeconds } from '../clock.ts'

const TOKEN_LIFE_S = 120

const encodeBase64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const encodeJson = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * A bearer token for one call to the Coinbase Developer Platform: a JWT over method, host and full path, signed with
 * the operator's Ed25519 key (`keySecret` as the platform hands it out: base64 of seed and public key, 64 bytes).
 * Source: CDP API reference, "JWT authentication".
 * @throws Error when the secret is no such key
 */
export async function createCdpToken(
  { keyId, keySecret }: { keyId: string; keySecret: string },
  method: string,
  url: URL,
): Promise<string> {
  const raw = Buffer.from(keySecret, 'base64')
  if (raw.length !== 64) throw new Error('CDP_API_KEY_SECRET must be a base64 Ed25519 key of 64 bytes')
  const key = await crypto.subtle.importKey(
    'jwk',
    { kty: 'OKP', crv: 'Ed25519', d: encodeBase64Url(raw.subarray(0, 32)), x: encodeBase64Url(raw.subarray(32)) },
    { name: 'Ed25519' },
    false,
    ['sign'],
  )
  const issued = nowSeconds()
  const header = { alg: 'EdDSA', kid: keyId, typ: 'JWT', nonce: crypto.randomUUID().replaceAll('-', '') }
  const claims = {
    sub: keyId,
    iss: 'cdp',
    uris: [`${method} ${url.host}${url.pathname}`],
    iat: issued,
    nbf: issued,
    exp: issued + TOKEN_LIFE_S,
  }
  const signed = `${encodeJson(header)}.${encodeJson(claims)}`
  const signature = await crypto.subtle.sign('Ed25519', key, new TextEncoder().encode(signed))
  return `${signed}.${encodeBase64Url(new Uint8Array(signature))}`
}
