import type { PartWriter } from '../parts.ts'
import type { OpenPayment, OpenPayments } from '../payments/open-payments.ts'
import type { ResultStore } from '../payments/result-store.ts'
import type { Spool } from '../payments/upload.ts'

/** A multipart upload: for what is too large for memory, and since `put` wants to know the length. */
export async function beginParts(
  bucket: R2Bucket,
  key: string,
  options?: R2MultipartOptions,
): Promise<PartWriter & { complete(): Promise<unknown> }> {
  const upload = await bucket.createMultipartUpload(key, options)
  const parts: R2UploadedPart[] = []
  return {
    async write(part: Uint8Array) {
      parts.push(await upload.uploadPart(parts.length + 1, part))
    },
    complete: () => upload.complete(parts),
    abort: () => upload.abort().catch(() => {}),
  }
}

/** Paid results in R2, under the keys that the ledger gives them. */
export const createResultStore = (bucket: R2Bucket): ResultStore => ({
  async put(key, bytes, contentType) {
    await bucket.put(key, bytes, { httpMetadata: { contentType } })
  },
  async begin(key, contentType) {
    const { write, complete, abort } = await beginParts(bucket, key, { httpMetadata: { contentType } })
    return { write, abort, finish: async () => void (await complete()) }
  },
  async open(key) {
    return (await bucket.get(key))?.body ?? null
  },
  delete: (key) => bucket.delete(key),
})

/** Large bodies in R2 while somebody works on them. */
export const createSpool = (bucket: R2Bucket): Spool => ({
  async begin() {
    const key = `spool/${crypto.randomUUID()}`
    const { write, complete, abort } = await beginParts(bucket, key)
    return {
      write,
      abort,
      async finish() {
        await complete()
        return {
          async open() {
            const object = await bucket.get(key)
            if (!object) throw new Error('the spooled body is gone')
            return object.body
          },
          discard: () => bucket.delete(key).catch(() => {}),
        }
      },
    }
  },
})

const OPEN_PREFIX = 'ledger/open/'

/** What the operator should know of, one small object each, all of it in the object's metadata. */
export const createOpenPayments = (bucket: R2Bucket): OpenPayments => ({
  async put(payment) {
    await bucket.put(OPEN_PREFIX + payment.payment, '', { customMetadata: { open: JSON.stringify(payment) } })
  },
  delete: (payment) => bucket.delete(OPEN_PREFIX + payment),
  async list(cursor) {
    // Our own cursor, so that any text is a place to begin at.
    const startAfter = OPEN_PREFIX + (cursor ?? '')
    const { objects, truncated } = await bucket.list({ prefix: OPEN_PREFIX, include: ['customMetadata'], startAfter })
    return {
      payments: objects.map(({ customMetadata }) => JSON.parse(customMetadata?.open ?? '{}') as OpenPayment),
      cursor: truncated ? (objects.at(-1)?.key.slice(OPEN_PREFIX.length) ?? null) : null,
    }
  },
})
