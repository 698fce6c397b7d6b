import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { now } from '../clock.ts'
import { ApiError } from '../errors.ts'
import { pour } from '../parts.ts'
import {
  createId,
  extensions,
  type FileFacts,
  type HostedFile,
  type NewFile,
  readFacts,
  writeFacts,
} from './hosted-file.ts'
import { FileRecords } from './records.ts'
import { beginParts } from './storage.ts'

const FILES = 'i/'
const VARIANTS = 'variants/'
/**
 * Longer than a payment's answer can be asked for: 24 h from when its settlement is found, which may be hours after it was
 * sent. Whoever is told of a file confirms it before.
 */
const PROVISIONAL_MS = 72 * 60 * 60 * 1000

/** What a hosted file's uploader is told. */
export interface HostedAnswer {
  readonly url: string
  readonly id: string
  readonly contentType: string
  readonly sizeBytes: number
  readonly expiresAt: string
  readonly deleteToken: string
  readonly manageUrl: string
}

/** Where files are found from outside. */
export interface PublicPlaces {
  /** Address of a file, up to its name. */
  readonly files: string
  /** Address under which a file is looked after, up to its id. */
  readonly manage: string
}

/** SHA-256, in hex. Of the bytes where they are: WebCrypto would copy them. */
export const hash = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')

const failToStore = (cause: unknown): never => {
  if (cause instanceof ApiError) throw cause
  throw new ApiError('upload_failed', { cause })
}

/**
 * Hosted files in R2: one object each, which says by itself when it expires, and one record, by which it is found when
 * that time has come. The record is written first: a file without one would stay for ever.
 */
export class HostedFiles {
  readonly #bucket: R2Bucket
  readonly records: FileRecords
  readonly #places: PublicPlaces

  constructor(bucket: R2Bucket, places: PublicPlaces) {
    this.#bucket = bucket
    this.records = new FileRecords(bucket)
    this.#places = places
  }

  /**
   * Stores a file. Nothing of it stays if that fails.
   * @throws ApiError `upload_failed`, `unavailable_for_legal_reasons`; whatever the content's stream throws
   */
  async add(file: NewFile): Promise<HostedFile> {
    const { content, contentType, picture, tier, lifeSeconds } = file
    const [id, deleteToken] = [createId(), Buffer.from(crypto.getRandomValues(new Uint8Array(20))).toString('hex')]
    const expiresAt = now() + lifeSeconds * 1000
    const provisionalUntil = file.isProvisional ? now() + PROVISIONAL_MS : null
    const known = file.hashes ?? []
    await this.#assertAllowed(known)
    const deletion = hash(deleteToken)
    const facts = {
      tier,
      expiresAt,
      lifeSeconds,
      deletion,
      picture,
      hashes: known,
      provisionalUntil,
      isTakenDown: false,
    }
    const recordedUntil = Math.min(provisionalUntil ?? expiresAt, expiresAt)
    await this.records.put(recordedUntil, id, known).catch(failToStore)
    try {
      const options = { httpMetadata: { contentType }, customMetadata: writeFacts(facts) }
      const stored =
        content instanceof Uint8Array ? await this.#put(id, content, options) : await this.#pour(id, content, options)
      const hashes = known.length > 0 ? known : [stored.sha256]
      // Somebody may have taken the same content down meanwhile, and not have seen this file.
      await this.#assertAllowed(hashes)
      return { id, contentType, sizeBytes: stored.size, expiresAt, deleteToken, hashes }
    } catch (error) {
      await this.#forget(id, recordedUntil)
      return failToStore(error)
    }
  }

  async #put(id: string, bytes: Uint8Array, options: R2PutOptions) {
    await this.#bucket.put(FILES + id, bytes, options)
    return { size: bytes.byteLength, sha256: '' }
  }

  /** A file whose length is not known yet. Small ones go in one piece. */
  async #pour(id: string, content: AsyncIterable<Uint8Array>, options: R2MultipartOptions) {
    const digest = new crypto.DigestStream('SHA-256')
    const hasher = digest.getWriter()
    async function* readHashed() {
      for await (const piece of content) {
        await hasher.write(piece)
        yield piece
      }
    }
    const { size, bytes, writer } = await pour(readHashed(), () => beginParts(this.#bucket, FILES + id, options))
    await hasher.close()
    const sha256 = Buffer.from(await digest.digest).toString('hex')
    if (bytes) await this.#bucket.put(FILES + id, bytes, options)
    else
      await writer.complete().catch(async (cause) => {
        await writer.abort()
        throw cause
      })
    return { size, sha256 }
  }

  async #assertAllowed(hashes: readonly string[]): Promise<void> {
    if (await this.records.isBlocked(hashes).catch(failToStore)) throw new ApiError('unavailable_for_legal_reasons')
  }

  /** Takes back what could not be stored. Never throws: the sweep finds what is left by its record. */
  async #forget(id: string, recordedUntil: number): Promise<void> {
    await this.#bucket
      .delete(FILES + id)
      .then(() => this.records.delete(recordedUntil, id))
      .catch(() => {})
  }

  /** Whether a file that was stored is still there, and nobody has taken its content down. @throws ApiError `upload_failed` */
  async isAllowed({ id, hashes }: HostedFile): Promise<boolean> {
    try {
      return !(await this.records.isBlocked(hashes)) && (await this.head(id)) !== null
    } catch (cause) {
      return failToStore(cause)
    }
  }

  /**
   * Keeps a provisional file until it expires. Before every answer that tells of it; again does no harm.
   * @throws ApiError `upload_failed`, `unavailable_for_legal_reasons`
   */
  async confirm({ id, expiresAt, hashes }: HostedFile): Promise<void> {
    await this.#assertAllowed(hashes)
    try {
      // Its uploader may have deleted it since.
      if (await this.#bucket.head(FILES + id)) await this.records.put(expiresAt, id, hashes)
    } catch (error) {
      failToStore(error)
    }
  }

  /** What an address looks like, for the documentation. */
  get exampleUrl(): string {
    return `${this.#places.files}/{id}.png`
  }

  /** What the uploader of a file is told of it. */
  describe({ id, contentType, sizeBytes, expiresAt, deleteToken }: HostedFile): HostedAnswer {
    return {
      url: `${this.#places.files}/${id}.${extensions[contentType]}`,
      id,
      contentType,
      sizeBytes,
      expiresAt: new Date(expiresAt).toISOString(),
      deleteToken,
      manageUrl: `${this.#places.manage}/${id}`,
    }
  }

  /** The object of a file that is there and has not expired; taken-down ones too. Its body is unread. */
  async open(id: string, range?: R2Range): Promise<R2ObjectBody | null> {
    const object = await this.#bucket.get(FILES + id, range && { range })
    if (object && readFacts(object).expiresAt > now()) return object
    await object?.body.cancel()
    return null
  }

  /** The same without its bytes. */
  async head(id: string): Promise<R2Object | null> {
    const object = await this.#bucket.head(FILES + id)
    return object && readFacts(object).expiresAt > now() ? object : null
  }

  /** Whether `token` is the one that was handed out with the file. */
  isOwner(object: R2Object, token: string): boolean {
    const [given, known] = [hash(token), readFacts(object).deletion].map((text) => Buffer.from(text))
    return given!.byteLength === known!.byteLength && crypto.subtle.timingSafeEqual(given!, known!)
  }

  /** Deletes a file and all that was made of it, at once. */
  async delete(id: string): Promise<void> {
    const facts = await this.readFacts(id)
    await this.erase([id])
    for (const at of [facts?.expiresAt, facts?.provisionalUntil]) if (at) await this.records.delete(at, id)
  }

  /**
   * Deletes files with all that was made of them, and leaves their records. Files first: whoever makes a variant looks
   * once more whether its file is there.
   */
  async erase(ids: readonly string[]): Promise<void> {
    await this.#deleteKeys(ids.map((id) => FILES + id))
    await this.#deleteKeys((await Promise.all(ids.map((id) => this.listVariants(id)))).flat())
  }

  /** As many at a time as R2 deletes in one call. */
  async #deleteKeys(keys: readonly string[]): Promise<void> {
    for (let at = 0; at < keys.length; at += 1000) await this.#bucket.delete(keys.slice(at, at + 1000))
  }

  /** What is known of a file, expired or not; null: there is none. */
  async readFacts(id: string): Promise<FileFacts | null> {
    const object = await this.#bucket.head(FILES + id)
    return object && readFacts(object)
  }

  /** One page of all files, in the order of their ids; it begins behind `after`. */
  async list(limit: number, after: string | null) {
    const page = await this.#bucket.list({
      prefix: FILES,
      limit,
      include: ['customMetadata'],
      ...(after !== null && { startAfter: FILES + after }),
    })
    const files = page.objects.map((object) => ({ id: object.key.slice(FILES.length), facts: readFacts(object) }))
    return { files, isLast: !page.truncated }
  }

  /**
   * Leaves nothing of a file but that it was taken down, and lets its content in no more. Again does no harm.
   * @returns hashes of the content, and whether this took it down; null: there is no such file
   */
  async takeDown(id: string): Promise<{ readonly hashes: readonly string[]; readonly isNew: boolean } | null> {
    const object = await this.#bucket.get(FILES + id)
    if (!object) return null
    const facts = readFacts(object)
    const digest = new crypto.DigestStream('SHA-256')
    await object.body.pipeTo(digest)
    const stored = facts.isTakenDown ? [] : [Buffer.from(await digest.digest).toString('hex')]
    const hashes = [...new Set([...stored, ...facts.hashes, ...(await this.records.readHashes(facts.expiresAt, id))])]
    // First, so that nobody uploads it meanwhile.
    for (const content of hashes) await this.records.block(content)
    const { httpMetadata } = object
    const customMetadata = writeFacts({ ...facts, hashes, isTakenDown: true })
    await this.#bucket.put(FILES + id, '', { ...(httpMetadata && { httpMetadata }), customMetadata })
    await this.#deleteKeys(await this.listVariants(id))
    return { hashes, isNew: !facts.isTakenDown }
  }

  /** One page of all variants, in the order of their keys; it begins behind the key `after`. */
  async listAllVariants(limit: number, after: string | null) {
    const page = await this.#bucket.list({ prefix: VARIANTS, limit, ...(after !== null && { startAfter: after }) })
    const variants = page.objects.map(({ key }) => ({ key, id: key.slice(VARIANTS.length).split('/')[0]! }))
    return { variants, isLast: !page.truncated }
  }

  /** What the keys of a file's variants begin with. */
  variantsOf(id: string): string {
    return `${VARIANTS}${id}/`
  }

  /** Keys of a file's variants, those that were made first in front. */
  async listVariants(id: string): Promise<string[]> {
    const { objects } = await this.#bucket.list({ prefix: this.variantsOf(id) })
    return objects.sort((a, b) => a.uploaded.getTime() - b.uploaded.getTime()).map(({ key }) => key)
  }
}
