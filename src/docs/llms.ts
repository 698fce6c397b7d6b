import * as z from 'zod'
import type { Endpoint } from '../endpoint.ts'
import type { Services } from '../env.ts'
import { errors } from '../errors.ts'
import { errorsOf, showPath } from './openapi.ts'

function describeOptions({ query }: Endpoint): string[] {
  if (!query) return []
  const { properties = {} } = z.toJSONSchema(query, { io: 'input' })
  const lines = Object.entries(properties).map(([name, property]) => {
    const {
      description = '',
      enum: values = [],
      default: fallback,
    } = property as {
      description?: string
      enum?: string[]
      default?: string
    }
    const shown = values.length > 0 ? values.join('|') : '…'
    return `- \`?${name}=${shown}\` (default ${fallback || 'none'}): ${description}`
  })
  return ['Options:', ...lines, '']
}

function describeEndpoint(endpoint: Endpoint, services: Services): string {
  const { method, summary, description, request, response, sale } = endpoint
  const lines = [
    `## ${method} ${showPath(endpoint)}`,
    `${summary}. ${sale ? `Price: $${sale.price(services)} a call.` : 'Free.'}`,
    '',
    ...(description ? [description(services), ''] : []),
    ...(request ? [`Body: ${request.description} Content-Type: ${request.contentTypes.join(', ')}.`, ''] : []),
    ...Object.entries(request?.headers ?? {}).map(([name, meaning]) => `Header ${name}: ${meaning}\n`),
    ...describeOptions(endpoint),
    `Answers ${response.status ?? 200} ${response.contentTypes.join(' or ')}: ${response.description}`,
    ...Object.entries(response.headers ?? {}).map(([name, meaning]) => `- ${name}: ${meaning}`),
    '',
    ...(sale
      ? [
          'Errors:',
          ...errorsOf(endpoint).map((code) => `- ${errors[code].status} \`${code}\`: ${errors[code].message}`),
          '',
        ]
      : []),
  ]
  return lines.join('\n')
}

/** The service on one page of Markdown, for agents that read before they call. */
export function describeForAgents(endpoints: readonly Endpoint[], services: Services): string {
  const { publicUrl } = services.config
  const example = endpoints.find(({ sale }) => sale)
  return [
    '# Pixtoll',
    '> Images that agents pay for by the call. No accounts, no API keys: HTTP 402, pay, get the result.',
    '',
    `Base URL: ${publicUrl}. OpenAPI: ${publicUrl}/openapi.json`,
    '',
    '## How to pay',
    'Send the request. The 402 says what it costs, as x402 v2 (header PAYMENT-REQUIRED) and x402 v1 (JSON body), in USDC.',
    'Any x402 client pays it by itself:',
    '',
    '```ts',
    "import { wrapFetchWithPaymentFromConfig } from '@x402/fetch'",
    "import { ExactEvmScheme } from '@x402/evm'",
    "import { privateKeyToAccount } from 'viem/accounts'",
    '',
    'const account = privateKeyToAccount(process.env.PRIVATE_KEY)',
    "const pay = wrapFetchWithPaymentFromConfig(fetch, { schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(account) }] })",
    `const answer = await pay('${publicUrl}${example?.path ?? '/'}', {`,
    "  method: 'POST', body: photo,",
    "  headers: { 'Content-Type': 'image/jpeg', 'Idempotency-Key': crypto.randomUUID() },",
    '})',
    '```',
    '',
    'A failed call is not charged. The same payment with the same request again gives the same answer and is charged once.',
    'Clients sign a new payment on every call: keep one Idempotency-Key (16 to 128 visible characters, your secret) for one',
    'request, and however often you send it within 24 hours, it is charged once and answers the same.',
    'On 503 and on 409 `payment_in_progress`, send the same request with the same payment again after `Retry-After` seconds.',
    '',
    ...endpoints
      .filter(({ isOperators }) => isOperators !== true)
      .map((endpoint) => describeEndpoint(endpoint, services)),
  ].join('\n')
}
