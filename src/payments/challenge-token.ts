import { Buffer } from 'node:buffer'
import { nowSeconds } from '../clock.ts'
import type { Ask } from './protocol.ts'

/** How long a challenge binds us to its price. */
export const CHALLENGE_LIFE_S = 300

/** What a challenge was made for. Method and route are in the MAC, not in the token: it is judged where it is shown. */
export interface ChallengeTerms {
  /** Atomic units of the asset. */
  readonly amount: string
  /** Unix seconds. */
  readonly expires: number
}

/** Makes and judges the MAC'ed token that stands in a challenge and that clients echo. */
export interface ChallengeTokens {
  /** A fresh token, good for `CHALLENGE_LIFE_S` seconds; no two are alike. */
  create(ask: Ask, amount: string): Promise<string>
  /** The terms of a token that we made for this method and route, else null. Expiry is the caller's to judge. */
  read(ask: Ask, token: string): Promise<ChallengeTerms | null>
}

const encoder = new TextEncoder()

/**
 * Creates tokens of the form `expires.amount.nonce.mac`, HMAC-SHA-256 over those, the network, method and route.
 * @param secret the deployment's `CHALLENGE_SECRET`
 * @param scope what else a token holds for, such as the network
 */
export function createChallengeTokens(secret: string, scope: string): ChallengeTokens {
  // Imported on first use: there may be no I/O at module scope, and tests make many of these.
  let key: Promise<CryptoKey> | undefined
  const importKey = () => {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    key ??= crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign', 'verify'])
    return key
  }
  const describe = (ask: Ask, claims: string) => encoder.encode([scope, ask.method, ask.route, claims].join('\n'))

  return {
    async create(ask, amount) {
      const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('base64url')
      const claims = `${nowSeconds() + CHALLENGE_LIFE_S}.${amount}.${nonce}`
      const mac = await crypto.subtle.sign('HMAC', await importKey(), describe(ask, claims))
      return `${claims}.${Buffer.from(mac).toString('base64url')}`
    },
    async read(ask, token) {
      const [, claims, expires, amount, mac] = /^((\d{1,12})\.(\d{1,30})\.[\w-]{16})\.([\w-]{43})$/.exec(token) ?? []
      if (!claims || !expires || !amount || !mac) return null
      const bytes = Buffer.from(mac, 'base64url')
      const genuine = await crypto.subtle.verify('HMAC', await importKey(), bytes, describe(ask, claims))
      return genuine ? { amount, expires: Number(expires) } : null
    },
  }
}
