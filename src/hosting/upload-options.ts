import * as z from 'zod'
import { minLifeSeconds, type Tier, tiers } from './tiers.ts'

/** The options of an upload. */
export function createUploadQuery(tier: Tier) {
  const { lifeSeconds } = tiers[tier]
  const range = `ttl must be seconds, from ${minLifeSeconds} to ${lifeSeconds}`
  return z.object({
    keep: z
      .enum(['', 'metadata'], 'keep may be metadata')
      .default('')
      .describe('metadata: keep EXIF, GPS, XMP and what stands behind the end of the image. Otherwise it is cut off.'),
    ttl: z
      .string()
      .regex(/^\d{1,9}$/, range)
      .refine((text) => Number(text) >= minLifeSeconds && Number(text) <= lifeSeconds, range)
      .default(String(lifeSeconds))
      .describe(`Seconds until the image is gone: ${minLifeSeconds} to ${lifeSeconds}.`),
  })
}

export type UploadOptions = z.infer<ReturnType<typeof createUploadQuery>>
