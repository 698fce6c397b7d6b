/** How one error looks to a caller. `retryable` means: the same request may succeed later. */
export interface ErrorSpec {
  readonly status: 400 | 401 | 404 | 405 | 408 | 409 | 410 | 413 | 415 | 416 | 422 | 429 | 431 | 451 | 500 | 503
  readonly message: string
  readonly retryable?: true
  /** Whatever the caller sent: it is not held against anybody. A 503 never is. */
  readonly isOurs?: true
}

/**
 * Every error this service answers with, other than 402, whose body belongs to the payment protocols. `/openapi.json`,
 * `/llms.txt` and the contract tests are derived from this table. "Too large" and "unsupported type" have other
 * statuses for hosting than for background removal, so their codes differ by surface.
 */
export const errors = {
  invalid_request: { status: 400, message: 'The request is not valid.' },
  invalid_image: { status: 400, message: 'The body is not an image that can be processed.' },
  no_file: { status: 400, message: 'The request holds no image.' },
  empty_file: { status: 400, message: 'The image has no bytes.' },
  file_too_large: { status: 400, message: 'The image is larger than 1 MB (free uploads) or 5 MB (paid ones).' },
  unsupported_format: { status: 400, message: 'The file is not a PNG, JPEG, GIF or WebP image.' },
  ambiguous_payment: { status: 400, message: 'The request carries two different payments. Send one.' },
  invalid_token: { status: 401, message: 'The token is not valid.' },
  token_expired: { status: 401, message: 'The upload token has expired: it was good for 10 minutes.' },
  not_found: { status: 404, message: 'There is nothing at this path. See /llms.txt for what there is.' },
  method_not_allowed: { status: 405, message: 'This path does not take that method. See the Allow header.' },
  request_timeout: {
    status: 408,
    message: 'The body stopped coming: no byte for 15 seconds. Send the request again.',
    retryable: true,
  },
  payment_already_used: { status: 409, message: 'This payment has already bought something else.' },
  not_cancelable: { status: 409, message: 'The generation has gone too far to be canceled.' },
  not_retryable: { status: 409, message: 'The generation is not one that can be retried.' },
  idempotency_key_reused: {
    status: 409,
    message: 'This Idempotency-Key belongs to another request. Use a new one for every new request.',
  },
  payment_in_progress: {
    status: 409,
    message: 'This payment is being worked on. Send the same request again.',
    retryable: true,
  },
  result_expired: { status: 410, message: 'The result that this payment bought is no longer kept.' },
  request_too_large: { status: 413, message: 'The request is larger than 64 KiB.' },
  image_too_large: { status: 413, message: 'The image is larger than 25 MB.' },
  unsupported_media_type: {
    status: 415,
    message: 'Content-Type must be image/png, image/jpeg or image/webp.',
  },
  range_not_satisfiable: { status: 416, message: 'The file ends before the range that was asked for.' },
  no_foreground: { status: 422, message: 'No foreground was found in this image.' },
  rate_limited: {
    status: 429,
    message: 'Too many unpaid requests: 30 a minute for one address. Paid calls give theirs back.',
    retryable: true,
  },
  too_many_failures: {
    status: 429,
    message: 'Too many calls that were worked on and gave nothing to charge for: 20 an hour for one payer or address.',
    retryable: true,
  },
  daily_limit: {
    status: 429,
    message: 'No more free uploads today. A paid one has no such limit: POST /api/upload.',
    retryable: true,
  },
  header_too_large: { status: 431, message: 'A payment header may hold 8 KiB at most.' },
  unavailable_for_legal_reasons: { status: 451, message: 'This content was taken down.' },
  processing_failed: { status: 500, message: 'The image could not be processed.', retryable: true },
  upload_failed: {
    status: 500,
    message: 'The image could not be stored. Nothing is used up: send the same request again.',
    retryable: true,
    isOurs: true,
  },
  internal_error: { status: 500, message: 'Something went wrong on our side.', retryable: true },
  processor_unavailable: {
    status: 503,
    message: 'All processors are busy. Send the same request again.',
    retryable: true,
  },
  payment_unavailable: {
    status: 503,
    message: 'Payments cannot be checked at the moment. Nothing was charged; send the same request again.',
    retryable: true,
  },
  payment_pending: {
    status: 503,
    message:
      'The payment was sent and its outcome is not known yet. Send the same request with the same payment again.',
    retryable: true,
  },
  model_unavailable: {
    status: 503,
    message: 'This model cannot be had at the moment. GET /v1/models lists those that can.',
    retryable: true,
  },
  not_configured: { status: 503, message: 'This deployment cannot take payments yet.', retryable: true },
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof errors

export interface ApiErrorOptions {
  /** Replaces the table's message; a sentence that names what is wrong and what would be right. */
  message?: string
  cause?: unknown
  /** Seconds until a retry makes sense. Every 503 has one (5 unless given). */
  retryAfter?: number
  headers?: Record<string, string>
  /** Further members of the JSON body, such as `transaction`. */
  details?: Record<string, string | boolean>
}

/** An error meant for the caller. Anything else that is thrown is a bug: logged whole, answered `internal_error`. */
export class ApiError extends Error {
  override name = 'ApiError'
  readonly code: ErrorCode
  readonly options: ApiErrorOptions

  constructor(code: ErrorCode, options: ApiErrorOptions = {}) {
    super(options.message ?? errors[code].message, { cause: options.cause })
    this.code = code
    this.options = options
  }

  get status(): ErrorSpec['status'] {
    return errors[this.code].status
  }

  /** The wire form: `{error, message, retryable?, request_id, ...details}`. */
  toResponse(requestId: string): Response {
    const { status, retryable }: ErrorSpec = errors[this.code]
    const retryAfter = this.options.retryAfter ?? (status === 503 ? 5 : undefined)
    return Response.json(
      {
        error: this.code,
        message: this.message,
        ...(retryable && { retryable }),
        ...this.options.details,
        request_id: requestId,
      },
      {
        status,
        headers: {
          'Cache-Control': 'no-store',
          ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
          ...this.options.headers,
        },
      },
    )
  }
}
