import { Buffer } from 'node:buffer'
import { now, nowSeconds } from '../clock.ts'
import { isRecord, UpstreamError } from './upstream-error.ts'
import { type Authorization, createUpstream } from './upstream-fetch.ts'

/** What is used of a service account's key file (JSON, as the Google Cloud console hands it out). */
export interface ServiceAccount {
  readonly project_id: string
  readonly client_email: string
  readonly private_key_id: string
  /** PKCS #8 in PEM. */
  readonly private_key: string
  /** `https://oauth2.googleapis.com/token`, in every file there is. */
  readonly token_uri: string
}

const fields = ['project_id', 'client_email', 'private_key_id', 'private_key', 'token_uri'] as const

/** @throws Error that names what is missing, and quotes nothing */
export function readServiceAccount(text: string): ServiceAccount {
  let account: unknown
  try {
    account = JSON.parse(text)
  } catch {
    throw new Error('is not JSON: paste the whole key file of the service account')
  }
  const missing = fields.filter((field) => !isRecord(account) || typeof account[field] !== 'string')
  if (missing.length > 0) throw new Error(`has no ${missing.join(', ')}: paste the whole key file`)
  const found = account as ServiceAccount
  if (!URL.canParse(found.token_uri)) throw new Error('has a token_uri that is no URL')
  return found
}

const TOKEN_LIFE_S = 3600
/** A token is not used in its last minute: it has to be good when it arrives. */
const MARGIN_MS = 60_000
const TIMEOUT_MS = 10_000

const encodeJson = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

async function signAssertion(account: ServiceAccount): Promise<string> {
  const der = Buffer.from(account.private_key.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  const issued = nowSeconds()
  const claims = {
    iss: account.client_email,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    aud: account.token_uri,
    iat: issued,
    exp: issued + TOKEN_LIFE_S,
  }
  const header = { alg: 'RS256', typ: 'JWT', kid: account.private_key_id }
  const signed = `${encodeJson(header)}.${encodeJson(claims)}`
  const signature = await crypto.subtle.sign(algorithm.name, key, new TextEncoder().encode(signed))
  return `${signed}.${Buffer.from(signature).toString('base64url')}`
}

/** A service account's tokens. */
export interface GoogleToken extends Authorization {
  /** The private key, in every form in which it may be quoted, and the token. */
  secrets(): readonly string[]
}

/**
 * Creates a service account's tokens: OAuth 2.0 for server-to-server applications (a JWT signed with RS256, RFC 7523),
 * one kept until a minute before it expires. A call that finds none fetches its own, even while another one does: in a
 * Worker one request may not wait for another's I/O.
 * @param pause as in `UpstreamOptions`
 */
export function createGoogleToken(account: ServiceAccount, pause?: (ms: number) => Promise<void>): GoogleToken {
  let kept: { token: string; until: number } | null = null
  const lines = account.private_key.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'))
  const secrets = () => [account.private_key, ...lines, ...(kept ? [kept.token] : [])]
  const upstream = createUpstream({
    baseUrl: account.token_uri,
    secrets,
    authorize: { headers: () => ({}) },
    ...(pause && { pause }),
  })

  async function fetchToken(): Promise<{ token: string; until: number }> {
    // What WebCrypto says of a key that is none is the operator's to know, and may quote it.
    const assertion = await signAssertion(account).catch((): never => {
      throw new UpstreamError('unauthorized', 'the private key of the service account cannot be used')
    })
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
    const call = { path: '', form, isRepeatable: true, timeoutMs: TIMEOUT_MS, maxBytes: 64 * 1024 }
    // Tokens are longer than what is held unless it is asked for.
    const openString = () => {
      let text = ''
      return {
        write(piece: string) {
          text += piece
        },
        end: () => text,
      }
    }
    const answer = await upstream.call({ ...call, openString }).catch((error: unknown): never => {
      if (!(error instanceof UpstreamError)) throw error
      const isOurs = error.status !== null && error.status < 500 && ![408, 409, 429].includes(error.status)
      // Whatever happened here, the work itself was not begun.
      throw new UpstreamError(isOurs ? 'unauthorized' : 'no_token', `no token from Google: ${error.message}`, {
        retryAfterMs: error.retryAfterMs,
      })
    })
    const { access_token: token, expires_in: life } = isRecord(answer) ? answer : {}
    if (typeof token !== 'string' || typeof life !== 'number') {
      throw new UpstreamError('no_token', 'no token in the answer of Google')
    }
    return { token, until: now() + life * 1000 - MARGIN_MS }
  }

  return {
    secrets,
    async headers() {
      if (!kept || now() >= kept.until) kept = await fetchToken()
      return { authorization: `Bearer ${kept.token}` }
    },
    renew() {
      kept = null
    },
  }
}
