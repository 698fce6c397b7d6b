import { join } from 'node:path'
import sharp, { type FailOnOptions } from 'sharp'
import { ApiError } from '../../src/errors.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import { convertToSrgb, isGrey } from '../matte/colour.ts'
import { describeWarning } from '../matte/jpeg-warnings.ts'
import { orient } from '../matte/picture.ts'
import { pare } from './pare.ts'
import { RasterFile } from './raster-file.ts'
import type { Workplace } from './workplace.ts'

/** Sets libvips up for this process: what comes from outside is PNG, JPEG or WebP by content, or nothing. */
export function setUpLibvips(): void {
  // One picture follows the other: a cache would only hold memory, and decoders have one thread anyway.
  sharp.cache(false)
  sharp.concurrency(1)
  const own = ['VipsForeignLoadPng', 'VipsForeignLoadJpeg', 'VipsForeignLoadWebp', 'VipsForeignLoadVips']
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: own })
}

const names = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' } as const

/** A decoder that is still busy then is broken off. */
const limitSeconds = 60

const refuse = (message: string): ApiError => new ApiError('invalid_image', { message })
const refuseTruncated = (format: ImageHeader['format']): ApiError =>
  refuse(`The image is a truncated ${names[format]}; send the whole file.`)

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : '')

/** An error of libvips as one for the caller. */
function explain(error: unknown, format: ImageHeader['format']): unknown {
  const message = messageOf(error)
  // What could not be written, or took too long, is no fault of the file.
  if (/timeout|write|no space|no such file|permission/i.test(message)) return error
  if (/[Pp]remature end|truncat|end of (file|stream|input)|not enough data/i.test(message))
    return refuseTruncated(format)
  return refuse(`The image is a damaged ${names[format]}; send a sound file.`)
}

/** Name of the file that libvips writes. */
const stored = 'stored.v'
/** How many pixels are turned at a time. */
const stripPixels = 4_000_000

/** Writes a raster upright into a file of its own, strip by strip. */
async function turnUpright(
  raster: RasterFile,
  orientation: ImageHeader['orientation'],
  workplace: Workplace,
): Promise<RasterFile> {
  const { width, height, hasAlpha } = raster
  const isSideways = orientation >= 5
  const shape = isSideways ? { width: height, height: width } : { width, height }
  const upright = await RasterFile.create('upright.v', shape, hasAlpha, workplace)
  const rows = Math.max(1, Math.floor(stripPixels / shape.width))
  const strip = new Uint32Array(rows * shape.width)
  for (let top = 0; top < shape.height; top += rows) {
    workplace.signal.throwIfAborted()
    const count = Math.min(rows, shape.height - top)
    // Where these rows lie in the stored picture: columns of it, or rows, counted from either end.
    const isFromEnd = orientation === 3 || orientation === 4 || orientation >= 7
    const first = isFromEnd ? shape.height - top - count : top
    const box = isSideways ? { x: first, y: 0, width: count, height } : { x: 0, y: first, width, height: count }
    const pixels = raster.readBox(box)
    const { origin, stepX, stepY } = orient({ ...box, pixels, hasAlpha }, orientation)
    const words = new Uint32Array(pixels.buffer)
    for (let y = 0, to = 0; y < count; y += 1) {
      for (let x = 0, from = origin + y * stepY; x < shape.width; x += 1, from += stepX, to += 1)
        strip[to] = words[from]!
    }
    await upright.writeRows(new Uint8Array(strip.buffer, 0, count * shape.width * 4), top)
  }
  return upright
}

/** Has libvips write a file's pixels into a raster file, and answers whether some of them may be transparent. */
async function write(
  file: Uint8Array,
  { format, width, height, profile }: ImageHeader,
  path: string,
): Promise<boolean> {
  const open = (failOn: FailOnOptions) =>
    sharp(file, {
      failOn,
      limitInputPixels: width * height,
      sequentialRead: true,
      // Lookup tables and CMYK are libvips' to convert, the others ours, as at the edge.
      ignoreIcc: profile !== 'foreign',
    })
  const decode = (failOn: FailOnOptions) =>
    open(failOn).timeout({ seconds: limitSeconds }).toColourspace('srgb').ensureAlpha().toFile(path)
  const { hasAlpha } = await open('error').metadata()
  try {
    // libjpeg warns of what is missing, and goes on with grey.
    await decode('warning')
  } catch (error) {
    const isHarmless = format === 'jpeg' && describeWarning([messageOf(error)]) === null
    if (!isHarmless) throw error
    await decode('error')
  }
  return hasAlpha
}

/**
 * Decodes one whole image file, whose bytes are another's afterwards, into a raster file of the workplace: upright,
 * sRGB, 8 bits.
 * @throws ApiError `invalid_image` if it is truncated or damaged, or of another size than its header says
 */
export async function decodeImage(file: Uint8Array, header: ImageHeader, workplace: Workplace): Promise<RasterFile> {
  const { format, width, height, orientation, profile } = header
  const pared = pare(file, header)
  const hasAlpha = await write(pared, header, join(workplace.folder, stored)).catch((error: unknown): never => {
    throw explain(error, format)
  })
  const raster = await RasterFile.open(stored, hasAlpha, workplace)
  if (raster.width !== width || raster.height !== height) {
    throw refuse('The image has another size than its header says; send a sound file.')
  }
  if (typeof profile === 'object') {
    for await (const band of raster.bands()) {
      convertToSrgb(band.picture.pixels, profile, isGrey(header))
      await raster.write(band)
    }
  }
  return orientation === 1 ? raster : turnUpright(raster, orientation, workplace)
}
