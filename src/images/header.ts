import type { HeaderResult } from './facts.ts'
import { readJpegHeader } from './jpeg-header.ts'
import { readPngHeader } from './png-header.ts'
import { readWebpHeader } from './webp-header.ts'

const readers = { png: readPngHeader, jpeg: readJpegHeader, webp: readWebpHeader }

/**
 * Reads the header of a file whose magic bytes say `format`, from its first bytes or from all of it. Never throws,
 * never loops, and allocates nothing by what the header claims.
 */
export function readHeader(bytes: Uint8Array, format: keyof typeof readers): HeaderResult {
  return readers[format](bytes)
}
