import type { PngHeader } from '../../src/images/facts.ts'

/** One pass over a picture: which of its pixels stand in it, row by row. */
export interface Pass {
  readonly width: number
  readonly height: number
  /** Pixel (x, y) of the pass is pixel (`left + x * stepX`, `top + y * stepY`) of the picture. */
  readonly left: number
  readonly top: number
  readonly stepX: number
  readonly stepY: number
}

/** Adam7: left, top, step across, step down of its seven passes (PNG 3rd edition, 8.1). */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** The passes in which a PNG's rows come; those without pixels are left out, as files do. */
export function planPasses({ width, height, interlaced }: Pick<PngHeader, 'width' | 'height' | 'interlaced'>): Pass[] {
  const rows = interlaced ? adam7 : [[0, 0, 1, 1] as const]
  return rows
    .map(([left, top, stepX, stepY]) => ({
      width: Math.ceil((width - left) / stepX),
      height: Math.ceil((height - top) / stepY),
      left,
      top,
      stepX,
      stepY,
    }))
    .filter((pass) => pass.width > 0 && pass.height > 0)
}
