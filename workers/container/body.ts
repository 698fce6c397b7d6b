/** A body that sends no byte for so many milliseconds is given up. */
const silenceMs = 15_000

/** A request's body of known length: its head first, the rest only when there is room for it. */
export class Body {
  readonly bytes: number
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #chunks: Uint8Array[] = []
  #size = 0

  /** @param signal aborted when nobody waits any more: a read that hangs then ends, and rejects */
  constructor(stream: ReadableStream<Uint8Array>, bytes: number, signal: AbortSignal) {
    this.bytes = bytes
    this.#reader = stream.getReader()
    signal.addEventListener('abort', () => void this.#reader.cancel().catch(() => {}), { once: true })
  }

  /** The first bytes: at least `bytes` of them, or all there are. */
  async readHead(bytes: number): Promise<{ readonly head: Uint8Array; readonly isWhole: boolean }> {
    while (this.#size < Math.min(bytes, this.bytes)) {
      const chunk = await this.#readChunk()
      this.#count(chunk)
      this.#chunks.push(chunk)
    }
    const head = Buffer.concat(this.#chunks)
    this.#chunks = [head]
    return { head, isWhole: this.#size === this.bytes }
  }

  /** All bytes, in one piece; nothing of them is held beside it. */
  async readAll(): Promise<Uint8Array> {
    const file = new Uint8Array(this.bytes)
    let at = 0
    const put = (chunk: Uint8Array) => {
      file.set(chunk, at)
      at += chunk.length
    }
    for (const chunk of this.#chunks.splice(0)) put(chunk)
    while (at < this.bytes) {
      const chunk = await this.#readChunk()
      this.#count(chunk)
      put(chunk)
    }
    return file
  }

  /** Takes in what is left and forgets it, so that whoever sends it reads the answer and not a reset. Never throws. */
  async drain(): Promise<void> {
    this.#chunks = []
    try {
      while (this.#size < this.bytes) this.#size += (await this.#readChunk()).length
    } catch {
      // Nobody sends any more.
    }
  }

  #count(chunk: Uint8Array): void {
    this.#size += chunk.length
    if (this.#size > this.bytes) throw new Error('the body is longer than it said')
  }

  async #readChunk(): Promise<Uint8Array> {
    const silence = Promise.withResolvers<never>()
    const timer = setTimeout(() => silence.reject(new Error('the body stopped coming')), silenceMs)
    try {
      const { done, value } = await Promise.race([this.#reader.read(), silence.promise])
      if (done) throw new Error('the body is shorter than it said')
      return value
    } finally {
      clearTimeout(timer)
    }
  }
}
