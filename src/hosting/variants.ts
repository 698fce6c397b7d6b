import { now } from '../clock.ts'
import { ApiError } from '../errors.ts'
import { readHeader } from '../images/header.ts'
import type { HostedFiles } from './files.ts'
import { type Picture, readFacts, writeFacts } from './hosted-file.ts'
import { maxVariantPixels, planVariant, type ResizeService, type VariantOptions, type VariantSource } from './resize.ts'
import { createMissing, type Served } from './serve.ts'

/** How many variants of one file are made. */
export const MAX_VARIANTS = 8

/** Enough of a PNG or WebP to hold its size. */
const HEAD_BYTES = 64

const count = (n: number): string => n.toLocaleString('en-US')

const formats: Readonly<Record<string, VariantSource['format']>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
}

const refuse = (message: string): never => {
  throw new ApiError('invalid_request', { message })
}

/** What a request asks to be made of a file; a side or format that it leaves out is the file's. */
export interface AskedVariant {
  readonly width: number | null
  readonly height: number | null
  readonly fit: VariantOptions['fit']
  readonly format: VariantOptions['format'] | null
}

/** Smaller copies of hosted files, made when they are first asked for, and kept as long as their file. */
export class Variants {
  readonly #bucket: R2Bucket
  readonly #files: HostedFiles
  readonly #resize: ResizeService

  constructor(bucket: R2Bucket, files: HostedFiles, resize: ResizeService) {
    this.#bucket = bucket
    this.#files = files
    this.#resize = resize
  }

  /**
   * One variant of a file, or null where the file itself is what was asked for.
   * @param object the file's
   * @throws ApiError `invalid_request` naming a limit, `processor_unavailable`, `not_found` if the file is deleted meanwhile
   */
  async find(id: string, object: R2Object, asked: AskedVariant): Promise<Served | null> {
    const contentType = object.httpMetadata?.contentType ?? ''
    const sourceFormat = formats[contentType]
    if (!sourceFormat) return refuse('There are no variants of a video.')
    const source = { format: sourceFormat, ...(await this.#readPicture(id, object, contentType)) }
    const format = asked.format ?? (source.format === 'gif' ? 'png' : source.format)
    const options = { ...asked, format }
    const { width, height } = planVariant(source, options)
    const isWhole = width === source.width && height === source.height && source.orientation === 1
    if (isWhole && format === source.format) return null
    const fit = asked.width !== null && asked.height !== null ? asked.fit : 'contain'
    const key = `${this.#files.variantsOf(id)}${fit}-${width}x${height}.${format}`
    const served = { id, contentType: `image/${format}`, facts: readFacts(object) }
    const known = await this.#bucket.head(key)
    if (known) {
      const open: Served['open'] = async (range) => (await this.#bucket.get(key, range && { range }))?.body ?? null
      return { ...served, object: known, open }
    }
    if (source.width * source.height > maxVariantPixels) {
      const size = `${count(source.width)} x ${count(source.height)} pixels`
      refuse(`Variants are made of images up to ${count(maxVariantPixels)} pixels; this one has ${size}.`)
    }
    if ((await this.#files.listVariants(id)).length >= MAX_VARIANTS) refuseMore()
    const bytes = await this.#make(id, source, options)
    const stored = await this.#keep(id, key, bytes, served)
    return {
      ...served,
      object: stored,
      open: async (range) =>
        new Response(range ? bytes.subarray(range.offset, range.offset + range.length) : bytes).body,
    }
  }

  /** Size and orientation: as they were seen at the upload, or as they stand in the head of what we made ourselves. */
  async #readPicture(id: string, object: R2Object, contentType: string): Promise<Picture> {
    const { picture } = readFacts(object)
    if (picture) return picture
    const head = await this.#files.open(id, { offset: 0, length: HEAD_BYTES })
    if (!head) throw createMissing()
    const format = contentType === 'image/webp' ? 'webp' : 'png'
    const header = readHeader(new Uint8Array(await head.arrayBuffer()), format)
    if (header === 'incomplete' || 'broken' in header) throw new Error(`${id} has no header that can be read`)
    return { width: header.width, height: header.height, orientation: 1 }
  }

  async #make(id: string, source: VariantSource, options: VariantOptions): Promise<Uint8Array<ArrayBuffer>> {
    const object = await this.#files.open(id)
    if (!object) throw createMissing()
    const result = await this.#resize.resize(object.body, object.size, source, options).catch((cause): never => {
      throw new ApiError('processor_unavailable', { cause })
    })
    if (result.ok) return result.bytes
    if (result.code === 'busy') throw new ApiError('processor_unavailable', { retryAfter: result.retryAfter })
    return refuse('The image cannot be decoded, so there are no variants of it.')
  }

  async #keep(
    id: string,
    key: string,
    bytes: Uint8Array,
    { contentType, facts }: Pick<Served, 'contentType' | 'facts'>,
  ) {
    const stored = await this.#bucket
      .put(key, bytes, { httpMetadata: { contentType }, customMetadata: writeFacts(facts) })
      .catch((cause): never => {
        throw new ApiError('processor_unavailable', { cause, message: 'The variant could not be kept.' })
      })
    // Others may have made theirs, or the file may be gone, since we looked.
    const [file, variants] = await Promise.all([this.#files.head(id), this.#files.listVariants(id)])
    const isGone = !file || readFacts(file).isTakenDown || facts.expiresAt <= now()
    if (!isGone && variants.slice(0, MAX_VARIANTS).includes(key)) return stored
    await this.#bucket.delete(key)
    if (isGone) throw createMissing()
    return refuseMore()
  }
}

const refuseMore = (): never =>
  refuse(`There are ${MAX_VARIANTS} variants of this image, and no more are made; ask for one of those.`)
