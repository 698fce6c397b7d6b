/** A square grid of `size` x `size` points with `channels` values each, row by row. */
export interface Grid {
  readonly size: number
  readonly channels: number
  readonly values: Float32Array
}

/** Between which two of `size` samples each pixel of a longer or shorter side lies: after `at`, and how far along. */
export interface Places {
  readonly at: Uint16Array
  /** 0 to 1. */
  readonly along: Float32Array
}

/** The places of `length` pixels along `size` samples: half-pixel centres, flat at the borders. */
export function placePixels(length: number, size: number): Places {
  const at = new Uint16Array(length)
  const along = new Float32Array(length)
  for (let i = 0; i < length; i += 1) {
    const place = Math.min(size - 1, Math.max(0, ((i + 0.5) * size) / length - 0.5))
    at[i] = Math.min(Math.max(size - 2, 0), Math.floor(place))
    along[i] = place - at[i]!
  }
  return { at, along }
}

/** A grid that is stretched to a picture's height bilinearly, one row at a time; along the row its reader stretches. */
export class StretchedRows {
  readonly #grid: Grid
  readonly #rows: Places
  readonly #blended: Float32Array

  constructor(grid: Grid, height: number) {
    this.#grid = grid
    this.#rows = placePixels(height, grid.size)
    // One point more than there are, so that the last one has a neighbour.
    this.#blended = new Float32Array((grid.size + 1) * grid.channels)
  }

  /** Row `y` of the picture: `size + 1` points, the last two alike. Valid until the next call. */
  read(y: number): Float32Array {
    const { size, channels, values } = this.#grid
    const blended = this.#blended
    const length = size * channels
    const upper = this.#rows.at[y]! * length
    const lower = Math.min(size - 1, this.#rows.at[y]! + 1) * length
    const share = this.#rows.along[y]!
    for (let i = 0; i < length; i += 1) {
      const value = values[upper + i]!
      blended[i] = value + (values[lower + i]! - value) * share
    }
    blended.copyWithin(length, length - channels, length)
    return blended
  }
}
