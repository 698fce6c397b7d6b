import { deflateRawSync } from 'node:zlib'
import { free } from '../matte/picture.ts'
import { compressionLevel, PngBlocks } from '../matte/png-blocks.ts'
import type { Pixels } from './photon.ts'

function isOpaque(pixels: Uint8Array): boolean {
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] !== 255) return false
  return true
}

/**
 * A PNG of these pixels, without alpha if they have none. Photon's own encoder always writes alpha, and holds the pixels
 * twice and what it writes three times: noise of 4 megapixels took it 120 MB.
 * Takes the pixels: their buffer is gone afterwards.
 */
export function encodePng({ pixels, width, height }: Pixels): Uint8Array<ArrayBuffer> {
  const kind = isOpaque(pixels) ? 'rgb' : 'rgba'
  const channels = kind === 'rgb' ? 3 : 4
  const blocks = new PngBlocks({ width, height, kind })
  const buffer = new Uint8Array(blocks.sizeOf(blocks.blockRows))
  const draw = (y: number, row: Uint8Array, offset: number): void => {
    let from = y * width * 4
    for (let to = offset; to < offset + width * channels; to += channels, from += 4) {
      for (let c = 0; c < channels; c += 1) row[to + c] = pixels[from + c]!
    }
  }
  const parts = blocks.begin()
  for (let y = 0; y < height; y += blocks.blockRows) {
    const rows = Math.min(blocks.blockRows, height - y)
    const isLast = y + rows === height
    const block = buffer.subarray(0, blocks.sizeOf(rows))
    blocks.drawBlock(block, y, draw)
    const deflated = deflateRawSync(block, { level: compressionLevel, finishFlush: blocks.flushOf(isLast) })
    parts.push(blocks.wrapBlock(deflated, y === 0, isLast))
  }
  parts.push(blocks.end())
  free(pixels)
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    at += part.length
    free(part)
  }
  return file
}
