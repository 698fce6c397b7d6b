import type { Context } from 'hono'
import type { AppEnv, Services } from '../env.ts'
import type { Price } from './protocol.ts'
import type { Upload } from './upload.ts'

/** What the work of a paid call gives. */
export interface WorkResult {
  readonly status: 200 | 202
  /** Headers of the answer, `Content-Type` among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReadableStream<Uint8Array>
}

/** A payment that waits for the end of work that goes on after the answer: what its ledger knows it by. */
export interface Authorization {
  /** The payment key. */
  readonly payment: string
  /** The kept result that it is for. */
  readonly result: string
}

/** What a payment has bought, for `handOver`. */
export interface Purchase {
  /** The kept result as an answer, without receipt; marked as a replay if it was bought by an earlier call. */
  readonly answer: Response
  /** The transaction that moved the money; null: none has yet. */
  readonly transaction: string | null
  /** How it is collected when the work has succeeded; null: the money has moved. */
  readonly authorization: Authorization | null
}

/** A paid call whose free checks have passed. */
export interface PaidCall {
  /** Every option that makes a difference, defaults filled in: with route and body they are "the same request". */
  readonly options: Readonly<Record<string, string>>
  /** How this request is sold, where its body decides about the price; else as its `Sale` says. */
  readonly offer?: { readonly price: Price; readonly soldAs: string }
  /** How long the work is expected to take. A payment that would not outlive it is collected first. */
  readonly workSeconds: number
  /** After so many seconds the work is given up, uncharged. */
  readonly limitSeconds: number
  /**
   * Work goes on after the answer, for so many seconds at most: the payment is collected when it has succeeded, where
   * protocol, payer and payment allow it; otherwise before the answer.
   */
  readonly defersSeconds?: number
  /**
   * Looks whether somebody could do the work now: before a payment is asked for, and before one is taken for new work.
   * @throws ApiError when nobody could
   */
  assertReady(): Promise<void>
  /**
   * Takes the body in, once the payment is judged good, and before it is claimed.
   * @throws ApiError when nobody should pay for it
   */
  takeBody(): Promise<Upload>
  /** Does what is paid for. @throws ApiError when there is no result; then nothing is charged */
  work(upload: Pick<Upload, 'size' | 'open'>): Promise<WorkResult>
  /**
   * Makes the answer of what is paid for, where that is more than the kept result. Runs at every answer, also at a
   * replay: it may be repeated and does nothing twice.
   * @throws ApiError when it cannot be had now; the payment stays as good as it is
   */
  handOver?(purchase: Purchase): Promise<Response>
}

/** What an endpoint sells. */
export interface Sale {
  /**
   * The route that challenges are made for, where it is not simply the endpoint's own: calls that share it take each
   * other's payments, and options that change the price must change it, or a challenge would be good for either.
   */
  soldAs?(options: URLSearchParams, price: Price): string
  /** A payment buys one thing, whichever of the calls that are sold as one shows it; `handOver` says what that is to it. */
  readonly isShared?: true
  /** Media type of the result, for challenges. */
  readonly mimeType: string
  /** @param options the query, where it makes a difference to the price; without it, the least there is to pay */
  price(services: Services, options?: URLSearchParams): Price
  /** The call has no body: an empty one asks for more than the price. */
  readonly isBodiless?: true
  /** Answers a request that something else than a payment pays for; null: it has nothing of the kind. */
  redeem?(c: Context<AppEnv>): Promise<Response | null>
  /**
   * The free checks: headers, and the first 64 KiB of the body where headers do not decide.
   * @throws ApiError when nobody should pay for this request
   */
  prepare(c: Context<AppEnv>): Promise<PaidCall>
}
