import type { Orientation } from './facts.ts'
import { refuseFile } from './refuse-file.ts'

/** A file of which only what decides about its picture is left. */
export interface StrippedImage {
  /** Pixels as stored, before orientation. */
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
  /** Joined they are the stripped file: views of the original and small new ones. */
  readonly pieces: readonly Uint8Array[]
  /** Bytes of all pieces. */
  readonly size: number
}

interface Range {
  readonly start: number
  end: number
}
type Part = Range | Uint8Array

/**
 * Most parts of one file. Each costs an object, so that those of a hostile file would fill the memory. Photographs give
 * a dozen; a long animation with a comment at every frame some thousands.
 */
export const maxParts = 50_000

const equals = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** Collects what is kept of a file, in the order in which it will stand. */
export class Pieces {
  readonly #file: Uint8Array
  readonly #parts: Part[] = []

  constructor(file: Uint8Array) {
    this.#file = file
  }

  #push(part: Part): void {
    if (this.#parts.length >= maxParts) refuseFile(`has metadata at more than ${maxParts / 2} places`)
    this.#parts.push(part)
  }

  /** Keeps the file's bytes from `start` to `end`. */
  keep(start: number, end: number): void {
    const last = this.#parts.at(-1)
    if (last && !(last instanceof Uint8Array) && last.end === start) last.end = end
    else this.#push({ start, end })
  }

  /** Puts new bytes here. */
  put(bytes: Uint8Array): void {
    this.#push(bytes)
  }

  /** Leaves a place here for what is only known later, and gives the function that fills it; it may stay empty. */
  reserve(): (bytes: Uint8Array) => void {
    const index = this.#parts.length
    this.#push(new Uint8Array(0))
    return (bytes) => {
      this.#parts[index] = bytes
    }
  }

  /** Bytes of all that is kept so far. */
  get size(): number {
    return this.#parts.reduce(
      (sum, part) => sum + (part instanceof Uint8Array ? part.length : part.end - part.start),
      0,
    )
  }

  /**
   * The pieces, as few as can be: new bytes that stand in the file at the same place are a view of it, so that a file
   * in which nothing changes is one piece, the file itself.
   */
  finish(): readonly Uint8Array[] {
    const file = this.#file
    const joined: Part[] = []
    for (const part of this.#parts) {
      const last = joined.at(-1)
      const at = last === undefined ? 0 : last instanceof Uint8Array ? -1 : last.end
      const next = part instanceof Uint8Array ? { start: at, end: at + part.length } : part
      if (part instanceof Uint8Array && (at < 0 || !equals(part, file.subarray(next.start, next.end)))) {
        if (part.length > 0) joined.push(part)
      } else if (last && !(last instanceof Uint8Array) && last.end === next.start) last.end = next.end
      else if (next.end > next.start) joined.push({ ...next })
    }
    return joined.map((part) => {
      if (part instanceof Uint8Array) return part
      return part.start === 0 && part.end === file.length ? file : file.subarray(part.start, part.end)
    })
  }
}
