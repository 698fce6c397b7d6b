import type { ImageHeader } from '../../src/images/facts.ts'
import { markers, readSegments } from '../../src/images/jpeg-segments.ts'
import type { MatteOptions } from '../../src/matte/options.ts'

const MiB = 1024 * 1024

/** What a picture takes beside the loaded model, whatever its size: bands, blocks, planes at the size of the matte. */
const base = 150 * MiB

/** A lossless WebP, or the alpha of a lossy one, may name 65,536 groups of prefix codes, however small it is. */
const prefixCodes = 920 * MiB

/**
 * Whether the first scan of a JPEG holds all of its colours: otherwise libjpeg keeps the coefficients of all of them.
 */
function isInterleaved(head: Uint8Array, components: number): boolean {
  for (const { marker, data } of readSegments(head)) if (marker === markers.sos) return data?.[0] === components
  return false
}

/** Whether a WebP is lossy and has no alpha: its first chunk says so (RFC 9649, 2.5). */
const isPlain = (head: Uint8Array): boolean => String.fromCharCode(...head.subarray(12, 16)) === 'VP8 '

/**
 * What a picture takes while it is decoded, in bytes for each pixel, measured at 100 megapixels (docs/benchmarks.md).
 */
function estimateDecoding(header: ImageHeader, head: Uint8Array): number {
  const pixels = header.width * header.height
  const byRows = 0.5 * pixels
  switch (header.format) {
    case 'png':
      // libvips reads an interlaced one as a whole: up to four samples of two bytes.
      return header.interlaced ? 8 * pixels : byRows
    case 'webp':
      return 8 * pixels + (isPlain(head) ? 0 : prefixCodes)
    case 'jpeg': {
      // Coefficients have two bytes; the last scan may change each of them.
      const { coding, components } = header
      const isOneScan = coding === 'baseline' && isInterleaved(head, components)
      return isOneScan ? byRows : (2 * components + 0.5) * pixels
    }
  }
}

/** Bytes for each pixel while a WebP is encoded. */
const encodingWebp = 21
/** Above this a WebP is encoded alone. */
const webpAlone = 25_000_000

/**
 * Bytes of memory and disk that a picture is let in for, beside the loaded models, by the first bytes of its file.
 * `Infinity`: all there is.
 * @param header null if it lies behind these bytes
 */
export function estimateCost(
  header: ImageHeader | null,
  head: Uint8Array,
  fileBytes: number,
  { format }: Pick<MatteOptions, 'format'>,
): number {
  if (!header) return Infinity
  const pixels = header.width * header.height
  if (format === 'webp' && pixels > webpAlone) return Infinity
  // Rasters lie in files, twice while they are turned: a small disk has to hold those of all pictures in work.
  const rasters = pixels * 4 * (header.orientation === 1 ? 1 : 2)
  // What decodes and what encodes follow each other; the file is let go in between.
  const work = Math.max(fileBytes + estimateDecoding(header, head), format === 'webp' ? pixels * encodingWebp : 0)
  return base + rasters + work
}
