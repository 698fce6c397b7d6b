import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import type { MatteOptions } from '../../src/matte/options.ts'
import { compressionLevel, PngBlocks } from '../matte/png-blocks.ts'
import { type Frame, kindOf, render } from '../matte/render.ts'
import type { RasterFile } from './raster-file.ts'

const deflate = promisify(deflateRaw)

/** How many blocks are compressed at a time, on other threads, while the next ones are drawn. */
const ahead = 4

/**
 * A cut-out as a PNG, while it is read. Holds one band of the picture and a few blocks.
 */
export async function* writePng(raster: RasterFile, frame: Frame, options: MatteOptions): AsyncGenerator<Uint8Array> {
  const { width, height } = frame
  const blocks = new PngBlocks({ width, height, kind: kindOf(options) })
  yield* blocks.begin()
  const pending: Promise<Uint8Array>[] = []
  for await (const { picture, from, to } of raster.bands(frame.top, frame.top + height)) {
    const { draw } = render(picture, frame, options)
    for (let y = from - frame.top; y < to - frame.top; ) {
      const rows = Math.min(blocks.blockRows, to - frame.top - y)
      const block = new Uint8Array(blocks.sizeOf(rows))
      blocks.drawBlock(block, y, draw)
      const [isFirst, isLast] = [y === 0, y + rows === height]
      const deflated = deflate(block, { level: compressionLevel, finishFlush: blocks.flushOf(isLast) })
      pending.push(deflated.then((bytes) => blocks.wrapBlock(bytes, isFirst, isLast)))
      y += rows
      if (pending.length >= ahead) yield await pending.shift()!
    }
  }
  for (const chunk of pending) yield await chunk
  yield blocks.end()
}
