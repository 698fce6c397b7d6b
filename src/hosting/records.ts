const RECORDS = 'hosting/expires/'
const BLOCKS = 'hosting/taken-down/'

/** When a file is to be looked at for deletion, and by which hashes it may be taken down. */
export interface FileRecord {
  readonly key: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly hashes: readonly string[]
  /** When it was written; milliseconds since the epoch. */
  readonly writtenAt: number
}

const keyOf = (at: number, id: string): string => `${RECORDS}${new Date(at).toISOString()}/${id}`

/**
 * Records of hosted files in R2: empty objects whose keys begin with the time of their expiry, so that R2's own order is
 * the order in which files expire.
 */
export class FileRecords {
  readonly #bucket: R2Bucket

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket
  }

  /** Writes the record of `id`; the same again does no harm. */
  async put(at: number, id: string, hashes: readonly string[]): Promise<void> {
    await this.#bucket.put(keyOf(at, id), '', { customMetadata: { hashes: hashes.join(',') } })
  }

  async has(at: number, id: string): Promise<boolean> {
    return (await this.#bucket.head(keyOf(at, id))) !== null
  }

  /** The hashes that a record names; none if there is no such record. */
  async readHashes(at: number, id: string): Promise<readonly string[]> {
    return splitHashes(await this.#bucket.head(keyOf(at, id)))
  }

  async delete(at: number, id: string): Promise<void> {
    await this.#bucket.delete(keyOf(at, id))
  }

  /** Deletes many at once. */
  async deleteAll(records: readonly FileRecord[]): Promise<void> {
    if (records.length > 0) await this.#bucket.delete(records.map(({ key }) => key))
  }

  /** One page in the order of expiry; `cursor` is the key of the record behind which it begins. */
  async list(limit: number, cursor: string | null): Promise<{ records: readonly FileRecord[]; isLast: boolean }> {
    const page = await this.#bucket.list({
      prefix: RECORDS,
      limit,
      include: ['customMetadata'],
      ...(cursor !== null && { startAfter: cursor }),
    })
    const records = page.objects.map((object) => {
      const [time = '', id = ''] = object.key.slice(RECORDS.length).split('/')
      const writtenAt = object.uploaded.getTime()
      return { key: object.key, id, at: Date.parse(time), hashes: splitHashes(object), writtenAt }
    })
    return { records, isLast: !page.truncated }
  }

  /** Whether any of these contents was taken down. */
  async isBlocked(hashes: readonly string[]): Promise<boolean> {
    const found = await Promise.all(hashes.map((hash) => this.#bucket.head(BLOCKS + hash)))
    return found.some((object) => object !== null)
  }

  /** Lets no file of this content in any more. */
  async block(hash: string): Promise<void> {
    await this.#bucket.put(BLOCKS + hash, '')
  }
}

const splitHashes = (object: R2Object | null): string[] =>
  object?.customMetadata?.hashes?.split(',').filter(Boolean) ?? []
