import * as z from 'zod'
import type { Content, Endpoint } from '../endpoint.ts'
import type { Services } from '../env.ts'
import { type ErrorCode, errors } from '../errors.ts'
import type { Price } from '../payments/protocol.ts'

/** Any endpoint may answer these. */
const commonErrors = ['method_not_allowed', 'internal_error'] as const satisfies readonly ErrorCode[]
/** Any paid endpoint may answer these. */
const paymentErrors = [
  'invalid_request',
  'request_timeout',
  'ambiguous_payment',
  'payment_already_used',
  'idempotency_key_reused',
  'payment_in_progress',
  'result_expired',
  'rate_limited',
  'too_many_failures',
  'header_too_large',
  'payment_unavailable',
  'payment_pending',
  'not_configured',
] as const satisfies readonly ErrorCode[]

/** Every error that an endpoint may answer, other than 402. */
export const errorsOf = ({ errors: own, sale }: Endpoint): readonly ErrorCode[] => [
  ...new Set<ErrorCode>([...own, ...(sale ? paymentErrors : []), ...commonErrors]),
]

const errorSchema = {
  type: 'object',
  required: ['error', 'message', 'request_id'],
  properties: {
    error: { type: 'string', description: 'A code that does not change.' },
    message: { type: 'string', description: 'What is wrong and what would be right.' },
    retryable: { type: 'boolean', description: 'The same request may succeed later.' },
    transaction: { type: 'string', description: 'Where a payment is concerned: what moved the money.' },
    paid: { const: true, description: 'The money is taken: the same payment works again, free, until `owed_until`.' },
    owed_until: { type: 'string', format: 'date-time' },
    request_id: { type: 'string' },
  },
} as const

const describeHeaders = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  )

function describeType(type: string, schema: object | undefined): object {
  if (type === 'application/json' && schema) return schema
  if (type === 'multipart/form-data')
    return { type: 'object', properties: { image: { type: 'string', format: 'binary' } } }
  return { type: 'string', contentMediaType: type }
}

const describeContent = ({ contentTypes, schema }: Content) =>
  Object.fromEntries(contentTypes.map((type) => [type, { schema: describeType(type, schema) }]))

function describeErrors(endpoint: Endpoint): Record<string, unknown> {
  const byStatus = Map.groupBy(errorsOf(endpoint), (code) => errors[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${errors[code].message}`).join('\n\n'),
        ...((status === 503 || status === 409 || status === 429) && {
          headers: describeHeaders({ 'Retry-After': 'Seconds until a retry makes sense.' }),
        }),
        content: {
          'application/json': {
            schema: { ...errorSchema, properties: { ...errorSchema.properties, error: { enum: codes } } },
          },
        },
      },
    ]),
  )
}

const paymentRequired = {
  description: 'Payment required, or the payment was refused (`error` says why). Pay what is asked and send it again.',
  headers: describeHeaders({
    'PAYMENT-REQUIRED': 'x402 v2 challenge: base64 of JSON.',
    'WWW-Authenticate': 'MPP challenge: the scheme Payment.',
  }),
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['error', 'message'],
        properties: {
          error: { type: 'string' },
          message: { type: 'string' },
          x402Version: { const: 1 },
          accepts: { type: 'array', items: { type: 'object' }, description: 'x402 v1 payment requirements.' },
        },
      },
    },
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'challengeId', 'error', 'message'],
        description: 'RFC 9457, where MPP alone is offered.',
      },
    },
  },
}

/** A path as it is documented: `/i/{name}`. */
export const showPath = ({ path }: Endpoint): string => path.replace(/:(\w+)/g, '{$1}')

const describePath = ({ path }: Endpoint): unknown[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))

function describeQuery({ query }: Endpoint): unknown[] {
  if (!query) return []
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' })
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as { description?: string }
    return { name, in: 'query', required: false, description, schema }
  })
}

const describeHeadersAsked = ({ request }: Endpoint): unknown[] =>
  Object.entries(request?.headers ?? {}).map(([name, description]) => ({
    ...{ name, in: 'header', required: false },
    ...{ description, schema: { type: 'string' } },
  }))

function describeSecurity({ isOperators, isUploaders }: Endpoint): object[] {
  if (isOperators) return [...(isOperators === true ? [] : [{}]), { operator: [] }]
  return isUploaders ? [{ uploader: [] }] : []
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A secret of yours, new for every new request: with it the same request is never charged twice within 24 hours, ' +
    'also where the client signs a new payment, and its answer can be had again without one.',
  schema: { type: 'string', minLength: 16, maxLength: 128, pattern: '^[\\x21-\\x7e]+$' },
} as const

/** One form that MPP validators and x402 directories both read. */
function describePayment(price: Price, { till }: Services): Record<string, unknown> {
  const described = till.protocols.map((protocol) => ({ name: protocol.name, ...protocol.describe(price) }))
  return {
    offers: described.flatMap(({ offer }) => (offer ? [offer] : [])),
    price: { mode: 'fixed', currency: 'USD', amount: price },
    protocols: described.map(({ name, facts }) => ({ [name]: facts })),
  }
}

function describeOperation(endpoint: Endpoint, services: Services): Record<string, unknown> {
  const { name, summary, description, request, response, sale } = endpoint
  const receipts = {
    'PAYMENT-RESPONSE': 'x402 v2 receipt: base64 of JSON.',
    'X-PAYMENT-RESPONSE': 'x402 v1 receipt: base64 of JSON.',
    'Payment-Receipt': 'MPP receipt: base64url of JSON.',
    'Idempotent-Replayed': '`true` on a replay.',
  }
  return {
    operationId: name,
    summary,
    ...(description && { description: description(services) }),
    // No caller needs an account or a key.
    security: describeSecurity(endpoint),
    ...(sale && { 'x-payment-info': describePayment(sale.price(services), services) }),
    parameters: [
      ...describePath(endpoint),
      ...describeQuery(endpoint),
      ...describeHeadersAsked(endpoint),
      ...(sale ? [idempotencyKey] : []),
    ],
    ...(request && {
      requestBody: { required: true, description: request.description, content: describeContent(request) },
    }),
    responses: {
      [response.status ?? 200]: {
        description: response.description,
        headers: describeHeaders({ ...response.headers, ...(sale && receipts) }),
        content: describeContent(response),
      },
      ...(sale && { 402: paymentRequired }),
      ...describeErrors(endpoint),
    },
  }
}

/** The OpenAPI 3.1 document of a table of endpoints, with prices (`x-payment-info`) as this deployment asks them. */
export function describeApi(endpoints: readonly Endpoint[], services: Services): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const endpoint of endpoints) {
    const path = showPath(endpoint)
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: describeOperation(endpoint, services) }
  }
  const { publicUrl } = services.config
  return {
    openapi: '3.1.0',
    info: {
      title: 'Pixtoll',
      version: '1',
      description: 'The image service that agents pay for by the call. No accounts, no API keys.',
      'x-guidance': 'Call an endpoint without payment to get HTTP 402 with its price; pay it and send the same again.',
    },
    servers: [{ url: publicUrl }],
    'x-service-info': { categories: ['media'], docs: { llms: `${publicUrl}/llms.txt` } },
    paths,
    components: {
      securitySchemes: {
        operator: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN of the deployment.' },
        uploader: { type: 'http', scheme: 'bearer', description: 'The deleteToken that came with the file.' },
      },
    },
  }
}
