import type { Context, Handler, Hono } from 'hono'
import type { z } from 'zod'
import type { AppEnv, Services } from './env.ts'
import { ApiError, type ErrorCode } from './errors.ts'
import { assertOperator } from './operator.ts'
import { requirePayment } from './payments/require-payment.ts'
import type { Sale } from './payments/sale.ts'

/** A body that an endpoint takes or answers with, for the documentation. */
export interface Content {
  readonly description: string
  readonly contentTypes: readonly string[]
  /** JSON schema, where the content is JSON. */
  readonly schema?: object
  /** Status of the answer; 200 unless given. */
  readonly status?: 202
  /** Headers that it comes with, and what they say. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a handler is given. */
export type EndpointContext<Path extends string> = Context<AppEnv, Path>

interface EndpointFacts<Path extends string> {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: Path
  /** `operationId` in the OpenAPI document. */
  readonly name: string
  /** One sentence; stands in challenges too. */
  readonly summary: string
  /** More, as far as it holds for this deployment. */
  readonly description?: (services: Services) => string
  /** For the operator alone, always or with this query parameter: asks for the admin token. */
  readonly isOperators?: true | { readonly withQuery: string }
  /** For whoever uploaded a file: the handler asks for its deleteToken. */
  readonly isUploaders?: true
  /** Options in the query, each with a description. Others are refused. */
  readonly query?: z.ZodObject
  readonly request?: Content
  readonly response: Content
  readonly errors: readonly ErrorCode[]
}

/** One URL: what it takes, gives, costs and answers when it fails. Documentation and contract tests read this. */
export type Endpoint<Path extends string = string> = EndpointFacts<Path> &
  (
    | { readonly sale: Sale; readonly handle?: never }
    | { readonly sale?: never; handle(c: EndpointContext<Path>): Response | Promise<Response> }
  )

/** Keeps the path literal, so that `c.req.param()` inside `handle` is typed. */
export const defineEndpoint = <const Path extends string>(endpoint: Endpoint<Path>): Endpoint<Path> => endpoint

function createHandler(endpoint: Endpoint): Handler<AppEnv> {
  if (endpoint.sale) return requirePayment(endpoint.sale, endpoint)
  const { isOperators } = endpoint
  if (!isOperators) return endpoint.handle
  return async (c) => {
    if (isOperators === true || c.req.query(isOperators.withQuery) !== undefined) await assertOperator(c)
    return endpoint.handle(c)
  }
}

/** Mounts the whole table; a path that is asked with a method it does not take answers 405. */
export function mountEndpoints(app: Hono<AppEnv>, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) app.on(endpoint.method, [endpoint.path], createHandler(endpoint))
  for (const [path, siblings] of Map.groupBy(endpoints, ({ path }) => path)) {
    const methods = siblings.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    app.all(path, () => {
      throw new ApiError('method_not_allowed', { headers: { Allow: [...methods, 'OPTIONS'].join(', ') } })
    })
  }
}

/**
 * The options in a request's query, with defaults.
 * @param others what to do with parameters that are no options: an address that people paste gets such
 * @throws ApiError `invalid_request` naming the option and what it takes
 */
export function readQuery<Shape extends z.ZodRawShape>(
  c: Context,
  schema: z.ZodObject<Shape>,
  others: 'refuse' | 'ignore' = 'refuse',
): z.infer<typeof schema> {
  const given = c.req.queries()
  for (const [name, values] of Object.entries(given)) {
    if (others === 'ignore' && !Object.hasOwn(schema.shape, name)) continue
    const message = !Object.hasOwn(schema.shape, name)
      ? `There is no option "${name}". Options are: ${Object.keys(schema.shape).join(', ')}.`
      : values.length > 1 && `The option "${name}" is given ${values.length} times.`
    if (message) throw new ApiError('invalid_request', { message })
  }
  const parsed = schema.safeParse(c.req.query())
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ApiError('invalid_request', {
    message: `The option "${issue?.path.join('.')}" is not valid. ${issue?.message}.`,
  })
}
