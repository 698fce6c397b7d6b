import type { Context } from 'hono'
import type { AppEnv } from './env.ts'
import { ApiError } from './errors.ts'

const hash = (text: string): Promise<ArrayBuffer> => crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))

/**
 * Lets the operator pass: `Authorization: Bearer` with this deployment's `ADMIN_TOKEN`.
 * @throws ApiError `invalid_token`; `not_found` where no such token is set: then there is nothing to guess at
 */
export async function assertOperator(c: Context<AppEnv>): Promise<void> {
  const { adminToken } = c.var.services.config
  if (adminToken === null) throw new ApiError('not_found')
  const [, given = ''] = /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '') ?? []
  if (crypto.subtle.timingSafeEqual(await hash(given), await hash(adminToken))) return
  const message = 'Send Authorization: Bearer and the ADMIN_TOKEN of this deployment.'
  throw new ApiError('invalid_token', { message, headers: { 'WWW-Authenticate': 'Bearer' } })
}
