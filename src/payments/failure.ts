import { ApiError } from '../errors.ts'
import type { Failure } from './ledger-row.ts'

/** An error as plain data, for the ledger and for those who waited for the same work. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof ApiError)) return { code: 'internal_error', message: new ApiError('internal_error').message }
  const { retryAfter } = error.options
  return { code: error.code, message: error.message, ...(retryAfter !== undefined && { retryAfter }) }
}

/** The error that tells a caller of a failure: also that its money is taken, and until when the work is owed. */
export function fromFailure({ code, message, retryAfter, owedUntil }: Failure, cause?: unknown): ApiError {
  return new ApiError(code, {
    message,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(owedUntil !== undefined && { details: { paid: true, owed_until: new Date(owedUntil).toISOString() } }),
    // An ApiError says all there is; anything else is a bug, and its stack belongs in the log.
    ...(cause instanceof ApiError
      ? cause.cause !== undefined && { cause: cause.cause }
      : cause !== undefined && { cause }),
  })
}
