/**
 * Most pixels of a picture that one edge isolate takes. At this size a baseline JPEG or a PNG takes 40 to 47 MiB of its
 * 128 MB, the heaviest photograph tried (progressive JPEG 4:4:4) 70, or 96 before the collector has run.
 * docs/benchmarks.md has the measurements.
 */
export const edgePixelLimit = 4_000_000
