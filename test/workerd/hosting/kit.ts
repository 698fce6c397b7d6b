import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, vi } from 'vitest'
import { HostedFiles, hash } from '../../../src/hosting/files.ts'
import type { NewFile } from '../../../src/hosting/hosted-file.ts'

const bindings = env as unknown as {
  STORAGE: R2Bucket
  UPLOAD_TOKEN: DurableObjectNamespace
  DAILY_CAP: DurableObjectNamespace
}
export const { STORAGE: bucket, UPLOAD_TOKEN: uploadTokens, DAILY_CAP: dailyCaps } = bindings

/** When every test begins: in the future, since R2 has a clock of its own. */
export const start = Date.parse('2040-11-27T12:00:00.000Z')
export const HOUR_MS = 60 * 60 * 1000
export const DAY_S = 24 * 60 * 60

/** Times are the test's, and the bucket is empty when one begins. */
export function useCleanSlate(): void {
  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: start })
    for (const { key } of (await bucket.list()).objects) await bucket.delete(key)
  })
  afterEach(() => void vi.useRealTimers())
}

export const places = { files: 'https://i.pixtoll.test', manage: 'https://pixtoll.test/api/files' }

/** Files over a bucket that may fail where a test says so. */
export const openFiles = (storage: R2Bucket = bucket): HostedFiles => new HostedFiles(storage, places)

/** The bucket, but these calls fail. */
export const failing = (fails: (method: string, key: unknown) => boolean): R2Bucket =>
  new Proxy(bucket, {
    get(target, method: keyof R2Bucket) {
      const call = target[method] as (...all: unknown[]) => unknown
      return async (...given: unknown[]) => {
        if (fails(method, given[0])) throw new Error('R2 is down')
        return call.apply(target, given)
      }
    },
  })

/** A file that a test hosts: its bytes are `text`. */
export const createFile = (text: string, changes: Partial<NewFile> = {}): NewFile => ({
  contentType: 'image/png',
  content: new TextEncoder().encode(text),
  hashes: [hash(text)],
  picture: { width: 10, height: 5, orientation: 1 },
  tier: 'free',
  lifeSeconds: 7 * DAY_S,
  isProvisional: false,
  ...changes,
})

export const listKeys = async (): Promise<string[]> => (await bucket.list()).objects.map(({ key }) => key)
