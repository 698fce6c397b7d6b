import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { checkStorage } from '../hosting/sweep.ts'

const query = z.object({
  cursor: z.string().default('').describe('Where the page begins: the cursor of the one before.'),
  repair: z
    .enum(['true', 'false'], 'repair may be true or false')
    .default('false')
    .describe('true: gives files the record that they lack, and deletes records and variants without a file.'),
})

export const adminCheckStorage = defineEndpoint({
  method: 'POST',
  path: '/admin/check-storage',
  name: 'checkStorage',
  summary: 'Find hosted files without a record, and records and variants without a file',
  isOperators: true,
  query,
  response: {
    description: 'One page of what does not fit together: all files first, then all records, then all variants.',
    contentTypes: ['application/json'],
    schema: {
      type: 'object',
      required: ['filesWithoutRecord', 'recordsWithoutFile', 'variantsWithoutFile', 'looked', 'cursor'],
      properties: {
        filesWithoutRecord: { type: 'array', items: { type: 'string' }, description: 'They would stay for ever.' },
        recordsWithoutFile: { type: 'array', items: { type: 'string' } },
        variantsWithoutFile: { type: 'array', items: { type: 'string' }, description: 'Ids of the files.' },
        looked: { type: 'integer', description: 'Files, records and variants that were looked at.' },
        cursor: { type: ['string', 'null'], description: 'Where the next page begins; null: this is the last.' },
      },
    },
  },
  errors: ['invalid_request', 'invalid_token'],
  async handle(c) {
    const { cursor, repair } = readQuery(c, query)
    return c.json(await checkStorage(c.var.services.files, cursor || null, repair === 'true'))
  },
})
