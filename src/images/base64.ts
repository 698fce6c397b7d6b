import { Buffer } from 'node:buffer'

/** In one pass: what is between them may be every second character. */
function leaveSpacesOut(text: string): string {
  const kept = new Uint8Array(text.length)
  let length = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) continue
    kept[length] = code
    length += 1
  }
  return Buffer.from(kept.buffer, 0, length).toString('latin1')
}

/** Decodes base64 as it comes (RFC 4648, 4 or 5; padding and line breaks may be left out), and holds nothing of it. */
export class Base64Decoder {
  /** Digits of a group of four that is not whole yet. */
  #rest = ''
  #padding = ''
  /** Which of the two alphabets' own digits were seen: they do not mix. */
  readonly #seen = { standard: false, url: false }
  #isSound = true

  /** The bytes of the groups that are whole now; none once this is known to be no base64. */
  write(text: string): Uint8Array {
    const digits = /\s/.test(text) ? leaveSpacesOut(text) : text
    const end = digits.indexOf('=')
    const plain = end < 0 ? digits : digits.slice(0, end)
    // Nothing follows padding but padding.
    if (this.#padding && plain) this.#isSound = false
    if (end >= 0) this.#padding += digits.slice(end)
    if (!/^[A-Za-z\d+/_-]*$/.test(plain)) this.#isSound = false
    this.#seen.standard ||= /[+/]/.test(plain)
    this.#seen.url ||= /[-_]/.test(plain)
    if (!this.#isSound) return new Uint8Array()
    const all = this.#rest + plain
    const whole = all.length - (all.length % 4)
    this.#rest = all.slice(whole)
    return Buffer.from(all.slice(0, whole), 'base64')
  }

  /** The last bytes, or null if this was no base64. */
  end(): Uint8Array | null {
    const { standard, url } = this.#seen
    if (!this.#isSound || (standard && url) || !/^={0,2}$/.test(this.#padding) || this.#rest.length === 1) return null
    const bytes = Buffer.from(this.#rest, 'base64')
    this.#rest = ''
    return bytes
  }
}

/** Reads base64 as it comes, as `Base64Decoder` does, into one array. */
export class Base64Reader {
  readonly #expected: number
  readonly #decoder = new Base64Decoder()
  #bytes: Uint8Array
  #size = 0

  /**
   * @param expected how many bytes there will be, as far as anybody knows
   * @param first how many of them room is made for before any has come
   */
  constructor(expected: number, first = expected) {
    this.#expected = expected
    this.#bytes = new Uint8Array(Math.min(expected, first))
  }

  write(text: string): void {
    this.#append(this.#decoder.write(text))
  }

  #append(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#expected, 2 * this.#bytes.length, this.#size + bytes.length))
      larger.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }

  /** The bytes, or null if this was no base64. */
  end(): Uint8Array | null {
    const last = this.#decoder.end()
    if (!last) return null
    this.#append(last)
    return this.#bytes.subarray(0, this.#size)
  }
}
