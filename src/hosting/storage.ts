import type { ResultStore } from '../payments/result-store.ts'

/** Paid results in R2, under the keys that the ledger gives them. */
export const createResultStore = (bucket: R2Bucket): ResultStore => ({
  async put(key, bytes, contentType) {
    await bucket.put(key, bytes, { httpMetadata: { contentType } })
  },
  async open(key) {
    return (await bucket.get(key))?.body ?? null
  },
  delete: (key) => bucket.delete(key),
})
