import { type MatteOptions, measureMargin, readColour } from '../../src/matte/options.ts'
import type { DrawAlpha } from './alpha.ts'
import type { Picture } from './picture.ts'
import type { DrawRow, PngKind } from './png-encoder.ts'

/** The part of the upright picture that is written, in pixels. */
export interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

type Box = readonly [x: number, y: number, width: number, height: number]

/** The whole picture, or the foreground's box with its margin, within the picture. */
export function chooseFrame({ width, height }: Picture, bbox: Box, { crop, margin }: MatteOptions): Frame {
  const [x, y, boxWidth, boxHeight] = bbox
  // An empty box has nothing to cut to.
  if (crop === 'false' || boxWidth === 0) return { left: 0, top: 0, width, height }
  const space = measureMargin(margin, Math.max(boxWidth, boxHeight))
  const left = Math.max(0, x - space)
  const top = Math.max(0, y - space)
  return {
    left,
    top,
    width: Math.min(width, x + boxWidth + space) - left,
    height: Math.min(height, y + boxHeight + space) - top,
  }
}

/** How a row of an answer is drawn, and as which kind of pixels. */
export interface Rendering {
  readonly kind: PngKind
  readonly draw: DrawRow
}

/** What the options ask for, row by row: mask, flattened onto a colour, or cut out. */
export function render(picture: Picture, drawAlpha: DrawAlpha, frame: Frame, options: MatteOptions): Rendering {
  const { pixels, width, stepX, stepY, origin } = picture
  const alphaRow = new Uint8Array(width)
  const ground = readColour(options.bg)

  const drawMask: DrawRow = (y, row, offset) => {
    drawAlpha(frame.top + y, alphaRow)
    row.set(alphaRow.subarray(frame.left, frame.left + frame.width), offset)
  }
  if (options.output === 'mask') return { kind: 'grey', draw: drawMask }

  const start = (y: number) => (origin + (frame.top + y) * stepY + frame.left * stepX) * 4
  if (ground) {
    const [red, green, blue] = ground
    const draw: DrawRow = (y, row, offset) => {
      drawAlpha(frame.top + y, alphaRow)
      let from = start(y)
      for (let x = 0, to = offset; x < frame.width; x += 1, to += 3, from += stepX * 4) {
        const alpha = alphaRow[frame.left + x]! / 255
        row[to] = red + (pixels[from]! - red) * alpha + 0.5
        row[to + 1] = green + (pixels[from + 1]! - green) * alpha + 0.5
        row[to + 2] = blue + (pixels[from + 2]! - blue) * alpha + 0.5
      }
    }
    return { kind: 'rgb', draw }
  }

  // Where alpha is 0 so is the colour, so that the removed ground is really gone.
  const draw: DrawRow = (y, row, offset) => {
    drawAlpha(frame.top + y, alphaRow)
    let from = start(y)
    for (let x = 0, to = offset; x < frame.width; x += 1, to += 4, from += stepX * 4) {
      const alpha = alphaRow[frame.left + x]!
      if (alpha === 0) continue
      row[to] = pixels[from]!
      row[to + 1] = pixels[from + 1]!
      row[to + 2] = pixels[from + 2]!
      row[to + 3] = alpha
    }
  }
  return { kind: 'rgba', draw }
}
