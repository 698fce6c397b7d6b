import { Buffer } from 'node:buffer'

/** Reads base64 as it comes (RFC 4648, 4 or 5; padding and line breaks may be left out), into one array. */
export class Base64Reader {
  #bytes: Uint8Array
  #size = 0
  /** Digits of a group of four that is not whole yet. */
  #rest = ''
  #padding = ''
  /** Which of the two alphabets' own digits were seen: they do not mix. */
  readonly #seen = { standard: false, url: false }
  #isSound = true

  /** @param expected how many bytes there will be, as far as anybody knows */
  constructor(expected: number) {
    this.#bytes = new Uint8Array(expected)
  }

  write(text: string): void {
    const digits = text.replace(/\s+/g, '')
    const end = digits.indexOf('=')
    const plain = end < 0 ? digits : digits.slice(0, end)
    // Nothing follows padding but padding.
    if (this.#padding && plain) this.#isSound = false
    if (end >= 0) this.#padding += digits.slice(end)
    if (!/^[A-Za-z\d+/_-]*$/.test(plain)) this.#isSound = false
    this.#seen.standard ||= /[+/]/.test(plain)
    this.#seen.url ||= /[-_]/.test(plain)
    if (!this.#isSound) return
    const all = this.#rest + plain
    const whole = all.length - (all.length % 4)
    this.#rest = all.slice(whole)
    this.#append(Buffer.from(all.slice(0, whole), 'base64'))
  }

  #append(bytes: Uint8Array): void {
    if (this.#size + bytes.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#size + bytes.length))
      larger.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#size)
    this.#size += bytes.length
  }

  /** The bytes, or null if this was no base64. */
  end(): Uint8Array | null {
    const { standard, url } = this.#seen
    if (!this.#isSound || (standard && url) || !/^={0,2}$/.test(this.#padding) || this.#rest.length === 1) return null
    this.#append(Buffer.from(this.#rest, 'base64'))
    this.#rest = ''
    return this.#bytes.subarray(0, this.#size)
  }
}
