import { readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Picture } from '../matte/picture.ts'
import type { Workplace } from './workplace.ts'

/** libvips' own format: a header, and the pixels as they lie in memory (libvips, `vips_file_format`). */
const headerBytes = 64
const magic = 0x08f2a6b6
/** Offsets in the header: sides, bands, and the format of a sample (0: 8 bits). */
const fields = { width: 4, height: 8, bands: 12, format: 20 } as const
const channels = 4

/** How many pixels lie in memory at a time: 8 MB of them. */
const bandPixels = 2_000_000

interface Shape {
  readonly width: number
  readonly height: number
}

/** A part of a picture, in pixels. */
interface Box extends Shape {
  readonly x: number
  readonly y: number
}

const tooShort = (): Error => new Error('the raster file is shorter than its header says')

/**
 * Rows of a picture that lie in memory: `picture` is the whole, and holds pixels of the rows from `from` until `to`.
 */
export interface Band {
  readonly picture: Picture
  readonly from: number
  readonly to: number
}

/**
 * RGBA pixels of an upright picture in a file, which are worked on in bands of rows: memory does not grow with the
 * picture. The file is one of libvips (`.v`), since that is what it writes as a stream.
 */
export class RasterFile {
  readonly path: string
  readonly width: number
  readonly height: number
  readonly hasAlpha: boolean
  readonly #file: FileHandle
  readonly #signal: AbortSignal

  private constructor(path: string, file: FileHandle, shape: Shape, hasAlpha: boolean, signal: AbortSignal) {
    this.path = path
    this.width = shape.width
    this.height = shape.height
    this.hasAlpha = hasAlpha
    this.#file = file
    this.#signal = signal
  }

  /** Opens a file of the workplace that libvips wrote. @throws Error if it holds anything but RGBA of 8 bits */
  static async open(name: string, hasAlpha: boolean, workplace: Workplace): Promise<RasterFile> {
    const path = join(workplace.folder, name)
    const file = workplace.keep(await open(path, 'r+'))
    const header = Buffer.alloc(headerBytes)
    await file.read(header, 0, headerBytes, 0)
    const [bands, format] = [header.readInt32LE(fields.bands), header.readInt32LE(fields.format)]
    if (header.readInt32LE(0) !== magic || bands !== channels || format !== 0) {
      throw new Error(`libvips wrote ${bands} bands of format ${format} instead of RGBA`)
    }
    const shape = { width: header.readInt32LE(fields.width), height: header.readInt32LE(fields.height) }
    return new RasterFile(path, file, shape, hasAlpha, workplace.signal)
  }

  /** Makes a file in the workplace; all of its rows are to be written. */
  static async create(name: string, shape: Shape, hasAlpha: boolean, workplace: Workplace): Promise<RasterFile> {
    const path = join(workplace.folder, name)
    const header = Buffer.alloc(headerBytes)
    header.writeInt32LE(magic, 0)
    header.writeInt32LE(shape.width, fields.width)
    header.writeInt32LE(shape.height, fields.height)
    header.writeInt32LE(channels, fields.bands)
    const file = workplace.keep(await open(path, 'w+'))
    await file.write(header, 0, headerBytes, 0)
    return new RasterFile(path, file, shape, hasAlpha, workplace.signal)
  }

  /**
   * The rows from `from` until `to`, in order, in bands that are valid until the next one.
   * @throws what the signal was aborted for, between two bands
   */
  async *bands(from = 0, to = this.height): AsyncGenerator<Band> {
    const { width, height, hasAlpha } = this
    const rows = Math.min(to - from, Math.max(1, Math.floor(bandPixels / width)))
    const buffer = new Uint8Array(rows * width * channels)
    for (let top = from; top < to; top += rows) {
      this.#signal.throwIfAborted()
      const end = Math.min(top + rows, to)
      const pixels = buffer.subarray(0, (end - top) * width * channels)
      await this.#read(pixels, this.#placeOf(top))
      // The origin lies before the band, so that row `top` is its first.
      const picture = { pixels, width, height, hasAlpha, origin: -top * width, stepX: 1, stepY: width }
      yield { picture, from: top, to: end }
    }
  }

  /** Writes a band back where it came from. */
  async write({ picture, from }: Band): Promise<void> {
    await this.writeRows(picture.pixels, from)
  }

  /** Writes whole rows from row `from` on. */
  async writeRows(pixels: Uint8Array, from: number): Promise<void> {
    await this.#file.write(pixels, 0, pixels.length, this.#placeOf(from))
  }

  /** The pixels of a part of the picture, row by row. Synchronous, since a narrow part is many small reads. */
  readBox({ x, y, width, height }: Box): Uint8Array<ArrayBuffer> {
    const pixels = new Uint8Array(width * height * channels)
    const isWide = width === this.width
    const [pieces, length] = isWide ? [1, pixels.length] : [height, width * channels]
    for (let piece = 0; piece < pieces; piece += 1) {
      const place = this.#placeOf(y + piece) + x * channels
      if (readSync(this.#file.fd, pixels, piece * length, length, place) !== length) throw tooShort()
    }
    return pixels
  }

  #placeOf(row: number): number {
    return headerBytes + row * this.width * channels
  }

  async #read(target: Uint8Array, position: number): Promise<void> {
    const { bytesRead } = await this.#file.read(target, 0, target.length, position)
    if (bytesRead !== target.length) throw tooShort()
  }
}
