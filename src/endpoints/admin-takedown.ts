import * as z from 'zod'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { idPattern } from '../hosting/hosted-file.ts'
import { purge } from '../hosting/purge.ts'

const SHA256 = /^[\da-f]{64}$/
/** Records that one call looks at. */
const BATCH = 500

const query = z.object({
  target: z
    .string('target must be given')
    .refine((text) => idPattern.test(text) || SHA256.test(text), 'target must be the id of a file, or a SHA-256 in hex')
    .describe('The id of a file, or the SHA-256 of what it holds.'),
  cursor: z.string().default('').describe('With a SHA-256: where the search goes on, the cursor of the answer before.'),
})

export const adminTakedown = defineEndpoint({
  method: 'POST',
  path: '/admin/takedown',
  name: 'takeDown',
  summary: 'Take hosted content down, for good: it is answered 451, and cannot be uploaded again',
  description: () =>
    'A file by its id: the answer names the hashes of its content, for the next calls. Content by its SHA-256: it is ' +
    'blocked at once, and its files are searched page by page, until `cursor` is null.',
  isOperators: true,
  query,
  response: {
    description: 'What was taken down.',
    contentTypes: ['application/json'],
    schema: {
      type: 'object',
      required: ['takenDown', 'hashes', 'cursor'],
      properties: {
        takenDown: { type: 'array', items: { type: 'string' }, description: 'Ids of files.' },
        hashes: { type: 'array', items: { type: 'string' }, description: 'What is blocked.' },
        cursor: { type: ['string', 'null'] },
      },
    },
  },
  errors: ['invalid_request', 'invalid_token', 'not_found'],
  async handle(c) {
    const { target, cursor } = readQuery(c, query)
    const { files } = c.var.services
    /** Purged again, too: whoever was interrupted may not have come to that. */
    const takeDown = async (id: string) => {
      const taken = await files.takeDown(id)
      if (taken) await purge(c.executionCtx, id)
      return taken
    }
    if (idPattern.test(target)) {
      const taken = await takeDown(target)
      if (!taken) throw new ApiError('not_found', { message: `There is no file ${target}.` })
      return c.json({ takenDown: taken.isNew ? [target] : [], hashes: taken.hashes, cursor: null })
    }
    await files.records.block(target)
    const { records, isLast } = await files.records.list(BATCH, cursor || null)
    const takenDown: string[] = []
    for (const { id } of records.filter(({ hashes }) => hashes.includes(target))) {
      if ((await takeDown(id))?.isNew) takenDown.push(id)
    }
    return c.json({ takenDown, hashes: [target], cursor: isLast ? null : records.at(-1)!.key })
  },
})
