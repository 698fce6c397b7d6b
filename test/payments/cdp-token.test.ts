import { generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCdpToken } from '../../src/payments/cdp-token.ts'

/** A key as the platform hands it out: base64 of seed and public key. */
function createKey() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' })
  const keySecret = Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('base64')
  return { publicKey, keySecret }
}
const read = (part: string | undefined) => JSON.parse(Buffer.from(part ?? '', 'base64url').toString())

describe('createCdpToken', () => {
  it('signs method, host and full path with the operator’s key for two minutes', async () => {
    const { publicKey, keySecret } = createKey()
    const url = new URL('https://api.cdp.coinbase.com/platform/v2/x402/verify')
    const token = await createCdpToken({ keyId: 'key-1', keySecret }, 'POST', url)
    const [header, claims, signature] = token.split('.')
    expect(read(header)).toMatchObject({ alg: 'EdDSA', kid: 'key-1', typ: 'JWT' })
    const { sub, iss, uris, nbf, exp } = read(claims)
    expect({ sub, iss, uris, life: exp - nbf }).toEqual({
      sub: 'key-1',
      iss: 'cdp',
      uris: ['POST api.cdp.coinbase.com/platform/v2/x402/verify'],
      life: 120,
    })
    const signed = Buffer.from(`${header}.${claims}`)
    expect(verify(null, signed, publicKey, Buffer.from(signature ?? '', 'base64url'))).toBe(true)
  })

  it('refuses a secret that is no Ed25519 key, without repeating it', async () => {
    const keys = { keyId: 'key-1', keySecret: 'bm90IGEga2V5' }
    const attempt = createCdpToken(keys, 'GET', new URL('https://api.cdp.coinbase.com/x'))
    await expect(attempt).rejects.toThrow(/^CDP_API_KEY_SECRET must be a base64 Ed25519 key of 64 bytes$/)
  })
})
