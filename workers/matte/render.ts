import { type MatteOptions, measureMargin, readColour } from '../../src/matte/options.ts'
import type { Picture } from './picture.ts'
import type { DrawRow, PngKind } from './png-blocks.ts'

/** The part of the upright picture that is written, in pixels. */
export interface Frame {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

type Box = readonly [x: number, y: number, width: number, height: number]

/** The whole picture, or the foreground's box with its margin, within the picture. */
export function chooseFrame(
  { width, height }: Pick<Picture, 'width' | 'height'>,
  bbox: Box,
  { crop, margin }: MatteOptions,
): Frame {
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

/** The kind of pixels that the options ask for. */
export const kindOf = ({ output, bg }: Pick<MatteOptions, 'output' | 'bg'>): PngKind =>
  output === 'mask' ? 'grey' : bg ? 'rgb' : 'rgba'

/** How a row of an answer is drawn, and as which kind of pixels. */
export interface Rendering {
  readonly kind: PngKind
  readonly draw: DrawRow
}

/**
 * What the options ask for, row by row, of a picture that `applyMatte` has cut out: it, its mask, or it on a colour.
 */
export function render(cutOut: Picture, frame: Frame, options: MatteOptions): Rendering {
  const { pixels, origin } = cutOut
  const kind = kindOf(options)
  const [right, down] = [cutOut.stepX * 4, cutOut.stepY * 4]
  const start = (y: number) => origin * 4 + (frame.top + y) * down + frame.left * right
  if (kind === 'grey') {
    const draw: DrawRow = (y, row, offset) => {
      for (let x = 0, from = start(y) + 3; x < frame.width; x += 1, from += right) row[offset + x] = pixels[from]!
    }
    return { kind, draw }
  }
  const ground = readColour(options.bg)
  if (ground) {
    const [red, green, blue] = ground
    const draw: DrawRow = (y, row, offset) => {
      for (let x = 0, from = start(y), to = offset; x < frame.width; x += 1, to += 3, from += right) {
        const alpha = pixels[from + 3]! / 255
        row[to] = red + (pixels[from]! - red) * alpha + 0.5
        row[to + 1] = green + (pixels[from + 1]! - green) * alpha + 0.5
        row[to + 2] = blue + (pixels[from + 2]! - blue) * alpha + 0.5
      }
    }
    return { kind, draw }
  }
  const draw: DrawRow = (y, row, offset) => {
    for (let x = 0, from = start(y), to = offset; x < frame.width; x += 1, to += 4, from += right) {
      row[to] = pixels[from]!
      row[to + 1] = pixels[from + 1]!
      row[to + 2] = pixels[from + 2]!
      row[to + 3] = pixels[from + 3]!
    }
  }
  return { kind, draw }
}
