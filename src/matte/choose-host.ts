import type { MatteOptions } from './options.ts'

/** Most pixels of a picture that one edge isolate takes, by what it is asked to write. */
const edgeLimits = {
  /** Written row by row: at this size a photograph takes 32 to 71 MiB of an isolate's 128 MB (docs/benchmarks.md). */
  png: 4_000_000,
  /** The encoder holds up to 40 bytes for each pixel: 65 to 74 MiB in all at this size. */
  webp: 1_000_000,
} as const satisfies Record<MatteOptions['format'], number>

/** Most pixels of a picture that this deployment takes for these options, cropped or not. */
export const pixelLimitOf = ({ format }: Pick<MatteOptions, 'format'>): number => edgeLimits[format]

/** The most that any options allow, for documents. */
export const maxPixels: number = Math.max(...Object.values(edgeLimits))
