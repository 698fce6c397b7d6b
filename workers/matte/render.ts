import { type MatteOptions, measureMargin, readColour } from '../../src/matte/options.ts'
import type { DrawAlpha } from './alpha.ts'
import { type EdgeColours, removeGround } from './decontaminate.ts'
import type { Picture } from './picture.ts'
import type { DrawRow, PngKind } from './png-encoder.ts'
import { Stretch } from './stretch.ts'

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
export function render(
  picture: Picture,
  drawAlpha: DrawAlpha,
  frame: Frame,
  options: MatteOptions,
  edges: EdgeColours | null,
): Rendering {
  const { pixels, width, height, stepX, stepY, origin } = picture
  const alphaRow = new Uint8Array(width)
  const ground = readColour(options.bg)

  const drawMask: DrawRow = (y, row, offset) => {
    drawAlpha(frame.top + y, alphaRow)
    row.set(alphaRow.subarray(frame.left, frame.left + frame.width), offset)
  }
  if (options.output === 'mask') return { kind: 'grey', draw: drawMask }

  const stretch = edges && new Stretch(edges.size, width, height)
  const mixed = new Float32Array(6)
  const colour = new Uint8ClampedArray(3)
  /** Sets `colour` to that of the foreground alone, where a soft edge shows some of the ground. */
  const readColourAt = (from: number, alpha: number, x: number, y: number) => {
    for (let c = 0; c < 3; c += 1) colour[c] = pixels[from + c]!
    if (!edges || !stretch || alpha === 255 || alpha === 0) return
    stretch.readPixel(edges.colours, x, y, mixed)
    for (let c = 0; c < 3; c += 1) colour[c] = removeGround(colour[c]!, alpha / 255, mixed[c]!, mixed[c + 3]!)
  }

  const start = (y: number) => (origin + (frame.top + y) * stepY + frame.left * stepX) * 4
  if (ground) {
    const [red, green, blue] = ground
    const draw: DrawRow = (y, row, offset) => {
      drawAlpha(frame.top + y, alphaRow)
      let from = start(y)
      for (let x = 0, to = offset; x < frame.width; x += 1, to += 3, from += stepX * 4) {
        const alpha = alphaRow[frame.left + x]!
        readColourAt(from, alpha, frame.left + x, frame.top + y)
        row[to] = red + ((colour[0]! - red) * alpha) / 255 + 0.5
        row[to + 1] = green + ((colour[1]! - green) * alpha) / 255 + 0.5
        row[to + 2] = blue + ((colour[2]! - blue) * alpha) / 255 + 0.5
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
      readColourAt(from, alpha, frame.left + x, frame.top + y)
      row[to] = colour[0]!
      row[to + 1] = colour[1]!
      row[to + 2] = colour[2]!
      row[to + 3] = alpha
    }
  }
  return { kind: 'rgba', draw }
}
