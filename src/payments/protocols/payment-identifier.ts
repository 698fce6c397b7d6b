/**
 * The x402 extension `payment-identifier`: clients that know it name their request, and the name counts as an
 * Idempotency-Key. Source: x402 specification, extensions/payment_identifier; declared as `@x402/extensions` does, which
 * would bring its other extensions' libraries along.
 */
const NAME = 'payment-identifier'

/** What a challenge says of it: its member of `extensions`. */
export const paymentIdentifier = {
  [NAME]: {
    info: { required: false },
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        required: { type: 'boolean' },
        id: { type: 'string', minLength: 16, maxLength: 128, pattern: '^[a-zA-Z0-9_-]+$' },
      },
      required: ['required'],
    },
  },
} as const

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** The id in a payment's `extensions`; undefined without one: clients that do not know the extension echo it as it is. */
export function readPaymentIdentifier(extensions: unknown): string | undefined {
  const extension = isObject(extensions) ? extensions[NAME] : undefined
  const info = isObject(extension) ? extension.info : undefined
  const id = isObject(info) ? info.id : undefined
  return typeof id === 'string' ? id : undefined
}
