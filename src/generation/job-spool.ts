import type { OutputSink, OutputSinks } from './provider.ts'

const PREFIX = 'spool/'
/** So that names sort as they were written. */
const DIGITS = 6
/** Upstreams give pieces of any size: a value may have 2 MB, and every value that is written is billed. */
const PIECE_BYTES = 1024 * 1024

/** Gathers pieces of one size, whatever it is given. */
class SpoolSink implements OutputSink {
  readonly #keep: (piece: Uint8Array) => void
  #piece = new Uint8Array(PIECE_BYTES)
  #filled = 0

  constructor(keep: (piece: Uint8Array) => void) {
    this.#keep = keep
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const taken = bytes.subarray(at, at + PIECE_BYTES - this.#filled)
      this.#piece.set(taken, this.#filled)
      this.#filled += taken.byteLength
      at += taken.byteLength
      if (this.#filled === PIECE_BYTES) this.flush()
    }
  }

  /** There is no more of it. */
  flush(): void {
    if (this.#filled > 0) this.#keep(this.#piece.slice(0, this.#filled))
    this.#filled = 0
  }
}

/**
 * What an upstream gave that answers only once, in the job's own storage: whatever befalls the store of outputs, nobody
 * need be asked for it again.
 */
export class JobSpool implements OutputSinks {
  readonly #kv: SyncKvStorage
  readonly #names = new Map<OutputSink, string>()

  constructor(kv: SyncKvStorage) {
    this.#kv = kv
  }

  async open(): Promise<OutputSink> {
    const name = String(this.#names.size)
    let count = 0
    const sink = new SpoolSink((piece) => {
      this.#kv.put(`${PREFIX}${name}/${String(count).padStart(DIGITS, '0')}`, piece)
      count += 1
    })
    this.#names.set(sink, name)
    return sink
  }

  /** Keeps those that count, and forgets the others. Answers what to read them by. */
  finish(chosen: readonly OutputSink[]): string[] {
    const names = chosen.map((sink) => this.#names.get(sink)!)
    for (const sink of chosen) (sink as SpoolSink).flush()
    this.#forget((name) => !names.includes(name))
    return names
  }

  /** The pieces of an output, in order. */
  *read(name: string): Generator<Uint8Array> {
    for (const [, bytes] of this.#kv.list<Uint8Array>({ prefix: `${PREFIX}${name}/` })) yield bytes
  }

  clear(): void {
    this.#names.clear()
    this.#forget(() => true)
  }

  #forget(isGone: (name: string) => boolean): void {
    const keys: string[] = []
    // One by one: all of them at once may be more than an isolate holds.
    for (const [key] of this.#kv.list({ prefix: PREFIX })) keys.push(key)
    for (const key of keys) if (isGone(key.slice(PREFIX.length).split('/')[0]!)) this.#kv.delete(key)
  }
}
