import { ApiError } from '../errors.ts'
import { BadOutput, type OutputStore, type StoredOutput, type StoredSink } from '../generation/output-store.ts'
import { readHeader } from '../images/header.ts'
import { sniffKind } from '../images/sniff.ts'
import type { HostedFiles } from './files.ts'
import type { HostedFile, HostedType } from './hosted-file.ts'
import { tiers } from './tiers.ts'

/** As much of an output as tells what it is and, usually, how large. */
const HEAD_BYTES = 64 * 1024

const types: Readonly<Record<string, HostedType>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  mp4: 'video/mp4',
  webm: 'video/webm',
}

interface Seen {
  readonly contentType: HostedType
  readonly width: number
  readonly height: number
}

/** What an output is, by its first bytes; a video's size is what was asked for. @throws BadOutput */
function look(head: Uint8Array, asked: { width: number; height: number }): Seen {
  const kind = sniffKind(head)
  const contentType = kind === null ? undefined : types[kind]
  if (!contentType) throw new BadOutput(`an output is ${kind ?? 'nothing that is known'}`)
  if (kind !== 'png' && kind !== 'jpeg' && kind !== 'webp') return { contentType, ...asked }
  const header = readHeader(head, kind)
  // Its size may stand behind much else: then it is what was asked for.
  if (header === 'incomplete') return { contentType, ...asked }
  if ('broken' in header) throw new BadOutput(`an output is a broken ${kind}`)
  return { contentType, width: header.width, height: header.height }
}

const isTakenDown = (error: unknown): boolean =>
  error instanceof ApiError && error.code === 'unavailable_for_legal_reasons'

/** One output on its way into R2: held until it is known what it is, and then passed on. */
class Output implements StoredSink {
  readonly #files: HostedFiles
  readonly #asked: { width: number; height: number }
  readonly #stream = new TransformStream<Uint8Array, Uint8Array>()
  readonly #writer = this.#stream.writable.getWriter()
  #head: Uint8Array | null = new Uint8Array()
  #seen: Seen | undefined
  #added: Promise<HostedFile> | undefined

  constructor(files: HostedFiles, asked: { width: number; height: number }) {
    this.#files = files
    this.#asked = asked
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#head === null) return this.#pass(bytes)
    const head = new Uint8Array(this.#head.length + bytes.length)
    head.set(this.#head)
    head.set(bytes, this.#head.length)
    this.#head = head
    if (head.length >= HEAD_BYTES) await this.#begin(head)
  }

  async #begin(head: Uint8Array): Promise<void> {
    this.#head = null
    this.#seen = look(head, this.#asked)
    const { contentType } = this.#seen
    const life = { tier: 'paid', lifeSeconds: tiers.paid.lifeSeconds, isProvisional: true } as const
    const content = this.#stream.readable as unknown as AsyncIterable<Uint8Array>
    this.#added = this.#files.add({ contentType, content, picture: null, hashes: null, ...life })
    // Whoever writes hears of it first.
    this.#added.catch((error: unknown) => this.#end(error))
    await this.#pass(head)
  }

  /** Ends the stream, so that whoever writes does not wait for a reader that never comes. Never throws. */
  async #end(reason: unknown): Promise<void> {
    const { readable } = this.#stream
    await (readable.locked ? this.#writer.abort(reason) : readable.cancel(reason)).catch(() => {})
  }

  /** @throws why it cannot be stored, where that is known */
  async #pass(bytes: Uint8Array): Promise<void> {
    try {
      await this.#writer.ready
      await this.#writer.write(bytes)
    } catch (error) {
      await this.#added
      throw error
    }
  }

  async finish(): Promise<StoredOutput> {
    if (this.#head !== null) await this.#begin(this.#head)
    await this.#writer.close().catch(() => {})
    const file = await this.#added!.catch((error: unknown): never => {
      throw isTakenDown(error) ? new BadOutput('an output was taken down', { cause: error }) : error
    })
    const { contentType, width, height } = this.#seen!
    const { url } = this.#files.describe(file)
    return { reference: JSON.stringify(file), url, type: contentType, width, height, sha256: file.hashes[0]! }
  }

  async abort(): Promise<void> {
    await this.#end(new Error('not wanted'))
    // What was stored of it all the same is provisional, and goes by itself.
    await this.#added?.then(({ id }) => this.#files.delete(id)).catch(() => {})
  }
}

/** Outputs of generations as hosted files. */
export const createOutputStore = (files: HostedFiles): OutputStore => ({
  open: async (asked) => new Output(files, asked),
  keep: ({ reference }) =>
    files.confirm(JSON.parse(reference) as HostedFile).catch((error: unknown) => {
      // Its address says so.
      if (!isTakenDown(error)) throw error
    }),
  async read({ reference }) {
    const object = await files.open((JSON.parse(reference) as HostedFile).id)
    return object && { body: object.body, size: object.size }
  },
})
