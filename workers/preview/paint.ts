import type { DrawRow } from '../matte/png-blocks.ts'
import { paintBackdrop, type View } from './backdrop.ts'
import { mix, readHex } from './colour.ts'
import { paintFigure, paintShadow, poseFigure } from './figure.ts'
import { hash } from './random.ts'
import { Row } from './row.ts'
import type { Scene } from './scene.ts'
import { paintWeather } from './weather.ts'

/** A picture's or a frame's sides, in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** Half a step up or down for each pixel of a square, so that a gradient has no steps. */
const grainSide = 64
const grain = Float32Array.from({ length: grainSide ** 2 }, (_, i) => hash(i % grainSide, Math.floor(i / grainSide)))

/**
 * How a scene's rows are painted at a moment, in seconds: red, green and blue, 8 bits each. Every row stands for itself,
 * so that no more than one need be in memory.
 */
export function createPainter(scene: Scene, { width, height }: Size, time = 0): DrawRow {
  const near = 1 + 0.012 * time
  const unit = (Math.min(width, height) / 2) * near
  const row = new Row(width, unit)
  const half = height / 2 / unit
  const pan = 0.07 * time
  // Tall pictures have more sky than ground. The camera stays on the middle of the figures.
  const horizon = 0.24 + 0.3 * Math.max(0, height / width - 1)
  const view: View = { top: -(height / unit) * 0.5 * near, bottom: half, horizon, time, pan }
  const figures = scene.figures.map((figure) => ({ figure, pose: poseFigure(figure, horizon, time) }))
  const dark = mix(scene.ground[1], readHex('#0a0c1c'), 0.75)

  return (y, bytes, offset) => {
    const at = (y + 0.5) / unit - half
    paintBackdrop(row, scene, view, at)
    paintWeather(row, scene, view, at, false)
    for (const { figure, pose } of figures) {
      if (scene.place !== 'space') paintShadow(row, figure, pose, at, dark)
    }
    for (const { figure, pose } of figures) paintFigure(row, figure, pose, at, scene.shade)
    paintWeather(row, scene, view, at, true)
    // Corners are a little darker, as a lens sees them.
    const [down, step] = [((y + 0.5) / height - 0.5) ** 2, 1 / width]
    const noise = (y % grainSide) * grainSide
    const { rgb } = row
    for (let x = 0, from = 0, to = offset; x < width; x += 1, from += 3, to += 3) {
      const bright = 1 - 0.36 * (down + ((x + 0.5) * step - 0.5) ** 2)
      const dither = grain[noise + (x % grainSide)]!
      for (let c = 0; c < 3; c += 1) {
        const value = rgb[from + c]! * bright + dither
        bytes[to + c] = value > 255 ? 255 : value < 0 ? 0 : value
      }
    }
  }
}
