/** A plane of alpha, 0 (ground) to 1 (subject): `width * height` values, row by row. */
export interface AlphaPlane {
  readonly width: number
  readonly height: number
  readonly values: Float32Array
}

/** A plane of 8-bit alpha: every `step`-th byte from `first` on. */
export function readPlane(bytes: Uint8Array, width: number, height: number, first = 0, step = 1): AlphaPlane {
  const values = new Float32Array(width * height)
  for (let i = 0, from = first; i < values.length; i += 1, from += step) values[i] = bytes[from]! / 255
  return { width, height, values }
}

interface Window {
  readonly start: number
  readonly weights: readonly number[]
}

/** Windows of a triangle with half-pixel centres, as wide as two samples, wider when there become fewer. */
function planWindows(from: number, to: number): Window[] {
  const scale = from / to
  const reach = Math.max(scale, 1)
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale
    const start = Math.max(0, Math.floor(centre - reach + 0.5))
    const end = Math.min(from, Math.floor(centre + reach + 0.5))
    const raw = Array.from({ length: end - start }, (__, j) =>
      Math.max(0, 1 - Math.abs((start + j + 0.5 - centre) / reach)),
    )
    const sum = raw.reduce((a, b) => a + b, 0)
    return { start, weights: raw.map((weight) => weight / sum) }
  })
}

/**
 * A plane at another size, bilinearly, and without aliasing when it becomes smaller, as Pillow's `BILINEAR` does: the
 * published figures were measured on maps that were resized so.
 */
export function resizePlane(plane: AlphaPlane, width: number, height: number): AlphaPlane {
  if (plane.width === width && plane.height === height) return plane
  const columns = planWindows(plane.width, width)
  const narrow = new Float32Array(width * plane.height)
  for (let y = 0, to = 0; y < plane.height; y += 1) {
    for (const { start, weights } of columns) {
      let sum = 0
      for (let j = 0, from = y * plane.width + start; j < weights.length; j += 1)
        sum += plane.values[from + j]! * weights[j]!
      narrow[to++] = sum
    }
  }
  const values = new Float32Array(width * height)
  for (const [y, { start, weights }] of planWindows(plane.height, height).entries()) {
    for (const [j, weight] of weights.entries()) {
      for (let x = 0, from = (start + j) * width, to = y * width; x < width; x += 1) {
        values[to + x] = values[to + x]! + narrow[from + x]! * weight
      }
    }
  }
  return { width, height, values }
}

/** A plane whose longer side has at most so many pixels; its ratio is kept. */
export function boundPlane(plane: AlphaPlane, longest: number): AlphaPlane {
  const scale = longest / Math.max(plane.width, plane.height)
  if (scale >= 1) return plane
  const shorten = (side: number) => Math.max(1, Math.round(side * scale))
  return resizePlane(plane, shorten(plane.width), shorten(plane.height))
}
