import { deflateRawSync } from 'node:zlib'
import { compressionLevel, type DrawRow, PngBlocks, type PngShape } from './png-blocks.ts'

/**
 * Encodes a PNG of 8 bits a sample without metadata, row by row: `draw` is called once for each row, in order, as the
 * stream is read. Holds one block of rows. The answer is a byte stream, as Workers RPC wants it; an error of `draw`
 * becomes its error, and `finish` is called once when it has ended, however it ended.
 */
export function encodePng(shape: PngShape, draw: DrawRow, finish: () => void): ReadableStream<Uint8Array> {
  const { height } = shape
  const blocks = new PngBlocks(shape)
  // One buffer for all blocks: the garbage of one for each would be as large as the picture.
  const buffer = new Uint8Array(blocks.sizeOf(blocks.blockRows))
  let y = 0

  const createBlock = () => {
    const rows = Math.min(blocks.blockRows, height - y)
    const block = buffer.subarray(0, blocks.sizeOf(rows))
    blocks.drawBlock(block, y, draw)
    const [isFirst, isLast] = [y === 0, y + rows === height]
    y += rows
    const deflated = deflateRawSync(block, { level: compressionLevel, finishFlush: blocks.flushOf(isLast) })
    return blocks.wrapBlock(deflated, isFirst, isLast)
  }

  return new ReadableStream({
    type: 'bytes',
    start(controller) {
      for (const part of blocks.begin()) controller.enqueue(part)
    },
    pull(controller) {
      try {
        controller.enqueue(createBlock())
        if (y < height) return
        controller.enqueue(blocks.end())
        controller.close()
        finish()
      } catch (error) {
        finish()
        throw error
      }
    },
    cancel() {
      finish()
    },
  })
}
