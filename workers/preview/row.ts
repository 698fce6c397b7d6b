import type { Rgb } from './colour.ts'

/** One row of pixels while it is painted, in places of the picture: halves of its shorter side, from its middle. */
export class Row {
  readonly width: number
  /** Pixels of a unit. */
  readonly unit: number
  /** Where the middle of the first pixel is. */
  readonly left: number
  readonly rgb: Float32Array
  /** How many pixels apart what is smooth is looked at; between them it is a straight line. */
  readonly #step: number

  constructor(width: number, unit: number) {
    this.width = width
    this.unit = unit
    this.left = (0.5 - width / 2) / unit
    this.rgb = new Float32Array(width * 3)
    this.#step = Math.max(1, Math.floor(unit / 180))
  }

  /** Makes all of it one colour. */
  fill([red, green, blue]: Rgb): void {
    const { rgb } = this
    for (let at = 0; at < rgb.length; at += 3) {
      rgb[at] = red
      rgb[at + 1] = green
      rgb[at + 2] = blue
    }
  }

  /** Lays a colour over one pixel. */
  blend(pixel: number, colour: Rgb, alpha: number): void {
    this.tint(pixel, colour[0], colour[1], colour[2], alpha)
  }

  /** The same, without a tuple for each pixel. */
  tint(pixel: number, red: number, green: number, blue: number, alpha: number): void {
    const { rgb } = this
    const at = pixel * 3
    rgb[at] = rgb[at]! + (red - rgb[at]!) * alpha
    rgb[at + 1] = rgb[at + 1]! + (green - rgb[at + 1]!) * alpha
    rgb[at + 2] = rgb[at + 2]! + (blue - rgb[at + 2]!) * alpha
  }

  /** The pixels whose middles lie between two places: the first, and the one behind the last. */
  span(from: number, to: number): readonly [number, number] {
    const first = Math.max(0, Math.ceil((from - this.left) * this.unit))
    return [first, Math.max(first, Math.min(this.width, Math.floor((to - this.left) * this.unit) + 1))]
  }

  /** Lays a colour over all between two places, as densely as a smooth function of the place says. */
  wash(
    colour: Rgb,
    density: (x: number) => number,
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  ): void {
    const [first, end] = this.span(from, to)
    let next = density(this.left + first / this.unit)
    for (let start = first; start < end; start += this.#step) {
      const value = next
      next = density(this.left + (start + this.#step) / this.unit)
      if (value <= 0 && next <= 0) continue
      const slope = (next - value) / this.#step
      const stop = Math.min(end, start + this.#step)
      for (let pixel = start; pixel < stop; pixel += 1) {
        const alpha = value + slope * (pixel - start)
        if (alpha > 0) this.blend(pixel, colour, alpha > 1 ? 1 : alpha)
      }
    }
  }

  /** Lays a colour over the inside of a shape's edge: `distance` in units, negative inside. */
  stamp(colour: Rgb, alpha: number, distance: (x: number) => number, from: number, to: number): void {
    const [first, end] = this.span(from, to)
    for (let pixel = first; pixel < end; pixel += 1) {
      const cover = 0.5 - distance(this.left + pixel / this.unit) * this.unit
      if (cover > 0) this.blend(pixel, colour, cover > 1 ? alpha : cover * alpha)
    }
  }
}
