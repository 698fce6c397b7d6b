import { Base64Decoder } from '../images/base64.ts'
import { type FileKind, sniffKind } from '../images/sniff.ts'
import type { StringSink } from '../json-strings.ts'
import type { GenerationTask, OutputSink, OutputSinks } from './provider.ts'

/** Enough to tell what a file is. */
const HEAD_BYTES = 32
/** The most digits that are decoded at once: a sink is never given more than three quarters of it. */
const MAX_DIGITS = 256 * 1024

const pictures: readonly (FileKind | null)[] = ['png', 'jpeg', 'webp']

/** What the outputs of a kind of task are: known by their first bytes, for what upstreams declare is often wrong. */
const media = {
  image: { fits: (head: Uint8Array) => pictures.includes(sniffKind(head)), maxBytes: 40 * 1024 * 1024 },
  // MP4 alone (ISO 14496-12: a `ftyp` box is first).
  video: {
    fits: (head: Uint8Array) => sniffKind(head) === 'mp4',
    maxBytes: 256 * 1024 * 1024,
  },
} as const satisfies Record<GenerationTask['kind'], { fits(head: Uint8Array): boolean; maxBytes: number }>

/** Why an output is none. */
export type OutputProblem = 'wrong_type' | 'too_large' | 'not_base64' | 'empty'

/** Ours, not the upstream's: an output could not be put where it belongs. */
export class SinkError extends Error {
  override name = 'SinkError'
}

const guard = <Result>(work: Promise<Result>): Promise<Result> =>
  work.catch((cause: unknown): never => {
    throw new SinkError('An output could not be stored.', { cause })
  })

/** One output on its way to its sink. What is wrong with it is remembered, not thrown: it may be a draft. */
export class Output {
  readonly #sinks: OutputSinks
  readonly #kind: GenerationTask['kind']
  readonly #most: number
  #sink: OutputSink | null = null
  /** The first bytes, until it is known what they are. */
  #head: Uint8Array | null = new Uint8Array()
  #size = 0
  #problem: OutputProblem | null = null

  constructor(sinks: OutputSinks, kind: GenerationTask['kind'], most: number) {
    this.#sinks = sinks
    this.#kind = kind
    this.#most = most
  }

  /** @throws SinkError */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.byteLength
    if (this.#size > this.#most) this.spoil('too_large')
    if (this.#problem || bytes.byteLength === 0) return
    if (!this.#head) return guard(this.#sink!.write(bytes))
    const head = new Uint8Array(this.#head.byteLength + bytes.byteLength)
    head.set(this.#head)
    head.set(bytes, this.#head.byteLength)
    this.#head = head
    if (head.byteLength >= HEAD_BYTES) await this.#begin(head)
  }

  async #begin(head: Uint8Array): Promise<void> {
    this.#head = null
    if (!media[this.#kind].fits(head)) return this.spoil('wrong_type')
    this.#sink = await guard(this.#sinks.open())
    await guard(this.#sink.write(head))
  }

  spoil(problem: OutputProblem): void {
    this.#problem ??= problem
  }

  /** There is no more of it: the sink that holds it, or what is wrong with it. @throws SinkError */
  async end(): Promise<OutputSink | OutputProblem> {
    if (this.#size === 0) this.spoil('empty')
    if (!this.#problem && this.#head) await this.#begin(this.#head)
    return this.#problem ?? this.#sink!
  }
}

/** A base64 text that is an output, decoded while it comes. Stands in the parsed JSON in the place of the text. */
export class Base64Output implements StringSink {
  readonly #output: Output
  readonly #decoder = new Base64Decoder()
  #result: OutputSink | OutputProblem = 'empty'

  constructor(output: Output) {
    this.#output = output
  }

  async write(text: string): Promise<void> {
    for (let at = 0; at < text.length; at += MAX_DIGITS) {
      await this.#output.write(this.#decoder.write(text.slice(at, at + MAX_DIGITS)))
    }
  }

  async end(): Promise<this> {
    const last = this.#decoder.end()
    if (last) await this.#output.write(last)
    else this.#output.spoil('not_base64')
    this.#result = await this.#output.end()
    return this
  }

  get result(): OutputSink | OutputProblem {
    return this.#result
  }
}

/** Collects a text that is longer than others and still a text, such as a signed URL; what is too long is cut off. */
class TextSink implements StringSink {
  #text = ''
  write(text: string): void {
    if (this.#text.length < 16 * 1024) this.#text += text
  }
  end(): string {
    return this.#text
  }
}

/** What takes in the outputs of one task. */
export interface OutputReader {
  /** The most bytes that one output may have. */
  readonly maxBytes: number
  /** For `UpstreamCall`: members called `name` are outputs in base64, those called `url` and `message` are texts. */
  openString(name: string | null): StringSink
  /** The output that stands at such a member, long or short; null where there is none. @throws SinkError */
  take(value: unknown): Promise<OutputSink | OutputProblem | null>
  /** The output that these bytes are. @throws SinkError; whatever `pieces` throws */
  copy(pieces: AsyncIterable<Uint8Array>): Promise<OutputSink | OutputProblem>
}

/**
 * Creates what takes in the outputs of one task.
 * @param base64Name the member that holds outputs in base64
 * @param maxBytes of one output; 40 MiB for an image and 256 MiB for a video unless given
 */
export function createOutputReader(
  kind: GenerationTask['kind'],
  sinks: OutputSinks,
  base64Name: string,
  maxBytes: number = media[kind].maxBytes,
): OutputReader {
  const create = () => new Output(sinks, kind, maxBytes)
  const texts: readonly (string | null)[] = ['url', 'message']
  return {
    maxBytes,
    openString(name) {
      if (name === base64Name) return new Base64Output(create())
      return texts.includes(name) ? new TextSink() : { write: () => undefined, end: () => '' }
    },
    async take(value) {
      if (value instanceof Base64Output) return value.result
      if (typeof value !== 'string') return null
      const short = new Base64Output(create())
      await short.write(value)
      return (await short.end()).result
    },
    async copy(pieces) {
      const output = create()
      for await (const piece of pieces) await output.write(piece)
      return output.end()
    },
  }
}
