import type { Orientation } from '../../src/images/facts.ts'

/** Decoded pixels, as a file stores them. */
export interface Raster {
  /** RGBA, 8 bits each, row by row, not premultiplied; sRGB. */
  readonly pixels: Uint8Array<ArrayBuffer>
  readonly width: number
  readonly height: number
  /** Whether some alpha may be below 255. */
  readonly hasAlpha: boolean
}

/**
 * A picture as it should be seen. Its pixels stay where the file had them: pixel (x, y) of the upright picture is pixel
 * number `origin + x * stepX + y * stepY` of the raster, so that no second, rotated copy is ever needed.
 */
export interface Picture {
  readonly pixels: Raster['pixels']
  /** Upright. */
  readonly width: number
  readonly height: number
  readonly hasAlpha: boolean
  readonly origin: number
  readonly stepX: number
  readonly stepY: number
}

/**
 * For each orientation, which way of the raster the upright picture's x and y run: `1` along a row, `-1` against it,
 * `w` down a column, `-w` up (EXIF 3.0, 4.6.5.1.6).
 */
const directions: Readonly<Record<Orientation, readonly ['1' | '-1' | 'w' | '-w', '1' | '-1' | 'w' | '-w']>> = {
  1: ['1', 'w'],
  2: ['-1', 'w'],
  3: ['-1', '-w'],
  4: ['1', '-w'],
  5: ['w', '1'],
  6: ['-w', '1'],
  7: ['-w', '-1'],
  8: ['w', '-1'],
}

/** The picture that a raster shows under an EXIF orientation. Copies nothing. */
export function orient(raster: Raster, orientation: Orientation): Picture {
  const { pixels, width, height, hasAlpha } = raster
  const [x, y] = directions[orientation]
  const steps = { '1': 1, '-1': -1, w: width, '-w': -width }
  const runsBack = x === '-1' || y === '-1'
  const runsUp = x === '-w' || y === '-w'
  const swaps = orientation >= 5
  return {
    pixels,
    hasAlpha,
    width: swaps ? height : width,
    height: swaps ? width : height,
    origin: (runsBack ? width - 1 : 0) + (runsUp ? (height - 1) * width : 0),
    stepX: steps[x],
    stepY: steps[y],
  }
}

/**
 * Frees the memory of pixels or of a file at once, whose buffer nobody may look at afterwards. Otherwise several
 * pictures would lie uncollected beside the one in work, since the collector hardly feels such buffers.
 */
export function free({ buffer }: { readonly buffer: ArrayBufferLike }): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
