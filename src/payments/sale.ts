import type { Context } from 'hono'
import type { AppEnv, Services } from '../env.ts'
import type { ErrorCode } from '../errors.ts'
import type { Price } from './protocol.ts'
import type { Upload } from './upload.ts'

/** What the work of a paid call gives. */
export interface WorkResult {
  readonly status: 200 | 202
  /** Headers of the answer, `Content-Type` among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReadableStream<Uint8Array>
}

/** A paid call whose free checks have passed. */
export interface PaidCall {
  /** Every option that makes a difference, defaults filled in: with route and body they are "the same request". */
  readonly options: Readonly<Record<string, string>>
  readonly bodyLimit: { readonly bytes: number; readonly error: ErrorCode }
  /** How long the work is expected to take. A payment that would not outlive it is collected first. */
  readonly workSeconds: number
  /** After so many seconds the work is given up, uncharged. */
  readonly limitSeconds: number
  /**
   * Looks whether somebody could do the work now: before a payment is asked for, and before one is taken for new work.
   * @throws ApiError when nobody could
   */
  assertReady(): Promise<void>
  /** Does what is paid for. @throws ApiError when there is no result; then nothing is charged */
  work(upload: Pick<Upload, 'size' | 'open'>): Promise<WorkResult>
}

/** What an endpoint sells. */
export interface Sale {
  /** Media type of the result, for challenges. */
  readonly mimeType: string
  price(services: Services): Price
  /**
   * The free checks: headers, and the first 64 KiB of the body where headers do not decide.
   * @throws ApiError when nobody should pay for this request
   */
  prepare(c: Context<AppEnv>): Promise<PaidCall>
}
