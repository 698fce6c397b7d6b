import { crc32, createInflate } from 'node:zlib'
import { ApiError } from '../../src/errors.ts'
import type { PngHeader } from '../../src/images/facts.ts'
import { readChunks } from '../../src/images/png-chunks.ts'
import type { Raster } from './picture.ts'
import { createRowReader, type RowReader } from './png-rows.ts'

const broken = (what: string): ApiError =>
  new ApiError('invalid_image', { message: `The image is a damaged PNG (${what}); send a sound file.` })
const truncated = (): ApiError =>
  new ApiError('invalid_image', { message: 'The image is a truncated PNG; send the whole file.' })

/** Chunks whose damage would change pixels; any other may be damaged. */
const needed = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']
const pieceBytes = 64 * 1024

interface Parts {
  readonly data: Uint8Array[]
  palette?: Uint8Array
  transparency?: Uint8Array
}

/** The chunks that make the pixels, as views, each with a right checksum. */
function readParts(file: Uint8Array): Parts {
  const parts: Parts = { data: [] }
  for (const { type, data, checked, crc, whole } of readChunks(file)) {
    if (!whole) throw truncated()
    if (needed.includes(type) && crc32(checked) !== crc) throw broken(`checksum of ${type}`)
    if (type === 'PLTE') parts.palette = data
    else if (type === 'tRNS') parts.transparency = data
    else if (type === 'IDAT') parts.data.push(data)
    else if (type === 'IEND') return parts
  }
  throw truncated()
}

/**
 * Inflates `data` into `reader` until it is full. node:zlib's stream and not DecompressionStream: in workerd the latter
 * takes everything that is written at once, so that a bomb would unfold in memory; this one hands out 64 KiB at a time.
 */
function inflateRows(data: Iterator<Uint8Array>, reader: RowReader): Promise<void> {
  return new Promise((resolve, reject) => {
    const inflate = createInflate({ chunkSize: pieceBytes })
    let settled = false
    const settle = (error?: ApiError) => {
      if (settled) return
      settled = true
      inflate.destroy()
      if (error) reject(error)
      else resolve()
    }
    const feed = () => {
      if (settled) return
      const { value, done } = data.next()
      if (done) inflate.end()
      // A microtask between two writes, since workerd calls back before it has let go of the piece.
      else inflate.write(value, () => queueMicrotask(feed))
    }
    inflate.on('data', (chunk) => {
      if (settled) return
      try {
        if (reader.push(chunk)) settle()
      } catch (error) {
        settle(error instanceof ApiError ? error : broken('rows'))
      }
    })
    inflate.on('error', (error) =>
      settle(/unexpected end/.test(error.message) ? truncated() : broken('compressed data')),
    )
    inflate.on('end', () => settle(broken('fewer rows than its header says')))
    inflate.on('close', () => settle(broken('compressed data')))
    feed()
  })
}

/** The data in pieces of 64 KiB at most; short parts are joined, since each write costs more than its bytes. */
function* cutPieces(data: readonly Uint8Array[]): Generator<Uint8Array> {
  let short = new Uint8Array(pieceBytes)
  let filled = 0
  for (const part of data) {
    if (filled > 0 && filled + part.length > pieceBytes) {
      yield short.subarray(0, filled)
      short = new Uint8Array(pieceBytes)
      filled = 0
    }
    if (part.length < pieceBytes) {
      short.set(part, filled)
      filled += part.length
    } else for (let at = 0; at < part.length; at += pieceBytes) yield part.subarray(at, at + pieceBytes)
  }
  if (filled > 0) yield short.subarray(0, filled)
}

/**
 * Decodes a PNG of any depth, colour type and interlacing, tRNS included: exactly up to 8 bits a sample, 16 to the
 * nearest 8. `header` is the file's own, already checked against the pixel limit. Memory: the RGBA pixels, two rows, 64
 * KiB of inflated data, whatever the file holds; it stops at the last row. Throws ApiError `invalid_image` if the file
 * is truncated or damaged.
 */
export async function decodePng(file: Uint8Array, header: PngHeader): Promise<Raster> {
  const { data, palette, transparency } = readParts(file)
  if (header.colourType === 3 && !palette) throw broken('no palette')
  const reader = createRowReader(header, palette, transparency)
  await inflateRows(cutPieces(data), reader)
  return {
    pixels: reader.pixels,
    width: header.width,
    height: header.height,
    hasAlpha: header.colourType >= 4 || transparency !== undefined,
  }
}
