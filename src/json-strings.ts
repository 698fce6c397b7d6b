/** A string may have so many bytes, as it is written, before it is handed on instead of being held. */
const SHORT_BYTES = 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Takes a long string's content piece by piece. */
export interface StringSink {
  /**
   * The next characters, unescaped. The first piece holds more than a thousand, if there are as many. No more is read
   * until a promise that it gives is kept.
   */
  write(text: string): void | Promise<void>
  /** There are no more: what stands in the parsed value instead of the string, or a promise of it. */
  end(): unknown
}

const decoder = new TextDecoder('latin1')

/** What escapes mean that ASCII needs (RFC 8259, 7). */
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/** A long string while it comes: an escape may be cut in two by the pieces. */
class LongString {
  readonly sink: StringSink
  #rest = ''

  constructor(sink: StringSink) {
    this.sink = sink
  }

  /** @param bytes as they are written in the JSON */
  async write(bytes: Uint8Array): Promise<void> {
    const text = this.#rest + decoder.decode(bytes)
    const cut = /\\(?:u[\da-fA-F]{0,3})?$/.exec(text)
    // An even number of backslashes before it: the last of them begins no escape.
    const isCut = cut && /\\*$/.exec(text.slice(0, cut.index))![0].length % 2 === 0
    const end = isCut ? cut.index : text.length
    this.#rest = text.slice(end)
    const whole = text.slice(0, end)
    if (!whole) return
    await this.sink.write(
      whole.includes('\\')
        ? whole.replace(/\\(u([\da-fA-F]{4})|.)/g, (all, letter: string, code?: string) =>
            code ? String.fromCharCode(Number.parseInt(code, 16)) : (escapes[letter] ?? all),
          )
        : whole,
    )
  }

  async end(): Promise<unknown> {
    if (this.#rest) await this.sink.write(this.#rest)
    return await this.sink.end()
  }
}

/** The name of the member whose value begins where this text ends; null in a list, and for a name itself. */
const readName = (text: string): string | null => /"((?:[^"\\]|\\.)*)"\s*:\s*"$/.exec(text.slice(-200))?.[1] ?? null

/**
 * Parses JSON whose long strings are not held: each goes to a sink of its own while it comes, as Latin-1 (so it must be
 * ASCII to be right: base64 is), and what the sink makes of it stands in the value. Everything else is parsed by
 * `JSON.parse`, whose notion of JSON rules.
 * @param openSink `name` is that of the member whose value the string is, as it is written; null where there is none
 * @param most bytes that everything but long strings may have: brackets alone would take the memory and the time of all
 * @throws SyntaxError when it is not JSON, or more of it than that; whatever `pieces` or a sink throws
 */
export async function parseWithLongStrings(
  pieces: AsyncIterable<Uint8Array>,
  openSink: (name: string | null) => StringSink,
  most: number,
): Promise<unknown> {
  const skeleton = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  const mark = crypto.randomUUID()
  const made: unknown[] = []
  let text = ''
  /** The string that is being read: its bytes so far, or where they go. */
  let short: number[] | null = null
  let long: LongString | null = null
  let isEscaped = false

  let left = most
  const keep = (bytes: Uint8Array) => {
    left -= bytes.length
    if (left < 0) throw new SyntaxError(`The JSON has more than ${most} bytes besides its long strings.`)
    text += skeleton.decode(bytes, { stream: true })
  }
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      if (!short && !long) {
        // Up to and with the quote that begins a string.
        const quote = piece.indexOf(QUOTE, at)
        const end = quote < 0 ? piece.length : quote + 1
        keep(piece.subarray(at, end))
        if (quote >= 0) short = []
        at = end
        continue
      }
      const end = findEnd(piece, at, isEscaped)
      const part = piece.subarray(at, end.at)
      isEscaped = end.isEscaped
      if (short && short.length + part.length > SHORT_BYTES) {
        long = new LongString(openSink(readName(text)))
        await long.write(Uint8Array.from([...short, ...part.subarray(0, SHORT_BYTES)]))
        await long.write(part.subarray(SHORT_BYTES))
        short = null
      } else if (long) await long.write(part)
      else short!.push(...part)
      at = end.at
      if (!end.isQuote) continue
      if (long) {
        keep(new TextEncoder().encode(`${mark}${made.length}`))
        made.push(await long.end())
      } else keep(Uint8Array.from(short!))
      ;[short, long] = [null, null]
      keep(piece.subarray(at, at + 1))
      at += 1
    }
  }
  if (short || long) throw new SyntaxError('The JSON ends within a string.')
  text += skeleton.decode()
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith(mark)) return value
    return made[Number(value.slice(mark.length))]
  })
}

/** Where a string's content ends within a piece: at the quote that ends it, or at the piece's end. */
function findEnd(piece: Uint8Array, from: number, wasEscaped: boolean) {
  let isEscaped = wasEscaped
  for (let at = from; at < piece.length; at += 1) {
    const byte = piece[at]
    if (isEscaped) isEscaped = false
    else if (byte === BACKSLASH) isEscaped = true
    else if (byte === QUOTE) return { at, isQuote: true, isEscaped: false }
  }
  return { at: piece.length, isQuote: false, isEscaped }
}
