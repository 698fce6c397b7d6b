/** Most pixels of a picture that one edge isolate takes (128 MB; docs/benchmarks.md has the peaks it is chosen from). */
export const edgePixelLimit = 4_000_000
