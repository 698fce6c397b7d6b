import type { OutputSink, OutputSinks } from './provider.ts'

const PREFIX = 'spool/'
/** So that names sort as they were written. */
const DIGITS = 6

/**
 * What an upstream gave that answers only once, in the job's own storage: whatever befalls the store of outputs, nobody
 * need be asked for it again. Pieces are as large as they come, less than the 2 MB that a value may have.
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
    const sink: OutputSink = {
      write: async (bytes) => {
        this.#kv.put(`${PREFIX}${name}/${String(count).padStart(DIGITS, '0')}`, bytes)
        count += 1
      },
    }
    this.#names.set(sink, name)
    return sink
  }

  /** Keeps those that count, and forgets the others. Answers what to read them by. */
  finish(chosen: readonly OutputSink[]): string[] {
    const names = chosen.map((sink) => this.#names.get(sink)!)
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
    const keys = [...this.#kv.list({ prefix: PREFIX })].map(([key]) => key)
    for (const key of keys) if (isGone(key.slice(PREFIX.length).split('/')[0]!)) this.#kv.delete(key)
  }
}
