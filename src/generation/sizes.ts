import type { GenerationTask } from './provider.ts'

/** Pixels of a square picture's side. */
const sides: Readonly<Record<string, number>> = { '1k': 1024, '2k': 2048, '4k': 4096 }
/** Pixels of a video's shorter side. */
const lines: Readonly<Record<string, number>> = { '720p': 720, '1080p': 1080, '4k': 2160 }
/** The longest side of any picture that is generated here. */
const MOST = 8192

/** The size that a task's output is expected to have: pictures have as many pixels as the square of their resolution. */
export function sizeOf({ kind, aspectRatio, resolution }: GenerationTask): { width: number; height: number } {
  const [across = 1, down = 1] = aspectRatio.split(':').map(Number)
  if (kind === 'video') {
    const shorter = lines[resolution ?? ''] ?? 720
    const longer = Math.round((shorter * Math.max(across, down)) / Math.min(across, down) / 2) * 2
    return across >= down ? { width: longer, height: shorter } : { width: shorter, height: longer }
  }
  const pixels = (sides[resolution ?? ''] ?? 1024) ** 2
  const wide = Math.sqrt((pixels * across) / down)
  const shrink = Math.min(1, MOST / wide, MOST / (pixels / wide))
  const even = (side: number) => Math.round((side * shrink) / 8) * 8
  return { width: even(wide), height: even(pixels / wide) }
}
