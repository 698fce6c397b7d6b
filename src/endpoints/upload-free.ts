import { now } from '../clock.ts'
import { defineEndpoint, readQuery } from '../endpoint.ts'
import { ApiError } from '../errors.ts'
import { dayOf, secondsToMidnight } from '../hosting/daily-cap.ts'
import { checkHead, readImage } from '../hosting/read-image.ts'
import { hostedFile, uploadContent } from '../hosting/schemas.ts'
import { createUploadQuery } from '../hosting/upload-options.ts'
import { readNetwork } from '../payments/replay-proof.ts'

const query = createUploadQuery('free')

export const uploadFree = defineEndpoint({
  method: 'POST',
  path: '/api/free',
  name: 'uploadFree',
  summary: 'Host an image for 7 days, free',
  description: ({ config }) =>
    `At most 1 MB. ${config.freeUploads.perClient} uploads a UTC day for one address. The link is public, and the only secret.`,
  query,
  request: uploadContent,
  response: {
    ...hostedFile,
    headers: {
      'RateLimit-Limit': 'Free uploads that one address has in a UTC day.',
      'RateLimit-Remaining': 'How many of them are left.',
      'RateLimit-Reset': 'Seconds until 00:00 UTC, when the count begins anew.',
    },
  },
  errors: [
    ...(['invalid_request', 'no_file', 'empty_file', 'file_too_large', 'unsupported_format'] as const),
    ...(['request_timeout', 'daily_limit', 'unavailable_for_legal_reasons', 'upload_failed'] as const),
  ],
  async handle(c) {
    const { body, services } = c.var
    const { freeUploads } = services.config
    const options = readQuery(c, query)
    const contentType = c.req.header('content-type') ?? null
    await checkHead(body, contentType, 'free')
    const { file } = await readImage(body, contentType, options, 'free')

    const client = readNetwork(c.req.raw.headers) ?? 'unknown'
    const cap = services.openDailyCap(dayOf(now()))
    const fail = (cause: unknown): never => {
      throw new ApiError('upload_failed', { cause })
    }
    const { isFree, remaining } = await cap.take(client, freeUploads).catch(fail)
    const reset = String(secondsToMidnight(now()))
    const rates = {
      'RateLimit-Limit': String(freeUploads.perClient),
      'RateLimit-Remaining': String(remaining),
      'RateLimit-Reset': reset,
    }
    if (!isFree) throw new ApiError('daily_limit', { retryAfter: Number(reset), headers: rates })
    const stored = services.files.add({ ...file, isProvisional: false }).catch(async (error: unknown) => {
      await cap.giveBack(client).catch(() => {})
      throw error
    })
    // Goes on to its end when the client hangs up, so that no slot is lost by a failure that nobody hears of.
    c.executionCtx.waitUntil(stored.catch(() => {}))
    return c.json(services.files.describe(await stored), 200, rates)
  },
})
