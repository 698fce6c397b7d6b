import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'

const query = z.object({
  cursor: z.string().default('').describe('Where the page begins: the cursor of the one before.'),
})

export const adminPayments = defineEndpoint({
  method: 'GET',
  path: '/admin/payments',
  name: 'listOpenPayments',
  summary: 'List the payments that somebody should know of: outcome unknown, work owed, money lost',
  isOperators: true,
  query,
  response: {
    description: 'One page of open payments, in the order of their keys.',
    contentTypes: ['application/json'],
    schema: {
      type: 'object',
      required: ['payments', 'cursor'],
      properties: {
        payments: {
          type: 'array',
          items: {
            type: 'object',
            required: ['payment', 'state', 'payer', 'amount', 'route', 'since'],
            properties: {
              payment: { type: 'string', description: 'The payment key.' },
              state: { enum: ['unknown', 'owed', 'lost'] },
              payer: { type: 'string' },
              amount: { type: 'string', description: 'Atomic units of the asset.' },
              route: { type: 'string' },
              since: { type: 'string', format: 'date-time' },
              transaction: { type: 'string' },
              owedUntil: { type: 'string', format: 'date-time' },
              cause: { type: 'string' },
            },
          },
        },
        cursor: { type: ['string', 'null'], description: 'Where the next page begins; null: this is the last.' },
      },
    },
  },
  errors: ['invalid_request', 'invalid_token'],
  async handle(c) {
    const { cursor } = readQuery(c, query)
    return c.json(await c.var.services.till.openPayments.list(cursor || undefined))
  },
})
