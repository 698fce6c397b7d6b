import type { ImageHeader } from '../../src/images/facts.ts'
import type { MatteOptions } from '../../src/matte/options.ts'

const MiB = 1024 * 1024

/** What a picture takes beside the loaded model, whatever its size: bands, blocks, planes at the size of the matte. */
const base = 150 * MiB

/** Bytes for each pixel while a file is decoded, measured at 100 megapixels (docs/benchmarks.md). */
const decoding: readonly { readonly picks: (header: ImageHeader) => boolean; readonly bytes: number }[] = [
  // All coefficients of all colours lie in memory, two bytes each, until the last scan has come.
  { picks: (h) => h.format === 'jpeg' && h.coding !== 'baseline', bytes: 6.5 },
  // libvips reads it as a whole: up to four samples of two bytes.
  { picks: (h) => h.format === 'png' && h.interlaced, bytes: 8 },
  { picks: (h) => h.format === 'webp', bytes: 8 },
]
const decodingRows = 0.5

/** Bytes for each pixel while a WebP is encoded. */
const encodingWebp = 21
/** Above this a WebP is encoded alone. */
const webpAlone = 25_000_000

/** Bytes of memory that a picture is let in for, beside the loaded models. `Infinity`: all there is. */
export function estimateCost(header: ImageHeader, fileBytes: number, { format }: Pick<MatteOptions, 'format'>): number {
  const pixels = header.width * header.height
  if (format === 'webp' && pixels > webpAlone) return Infinity
  const perPixel = decoding.find(({ picks }) => picks(header))?.bytes ?? decodingRows
  // What decodes and what encodes follow each other; the file is let go in between.
  return base + Math.max(fileBytes + pixels * perPixel, format === 'webp' ? pixels * encodingWebp : 0)
}
