const headerLength = 13
const extension = 0x21
const descriptor = 0x2c
const descriptorLength = 10

/** Bytes of a colour table, by the flags before it (GIF89a, 18 and 20). */
const countTable = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0)

/**
 * The logical screen of a GIF, if its first frame lies within it: decoders hold that frame in memory, whatever size it
 * claims. Null if it does not, or if there is no frame. `bytes` begins with `GIF87a` or `GIF89a`.
 */
export function readGifFrame(bytes: Uint8Array): { readonly width: number; readonly height: number } | null {
  if (bytes.length < headerLength) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)]
  let at = headerLength + countTable(bytes[10]!)
  while (bytes[at] === extension) {
    at += 2
    // Sub-blocks, each led by its length, up to an empty one.
    while (bytes[at]) at += bytes[at]! + 1
    at += 1
  }
  if (bytes[at] !== descriptor || at + descriptorLength > bytes.length) return null
  const [left, top, frameWidth, frameHeight] = [1, 3, 5, 7].map((offset) => view.getUint16(at + offset, true))
  return left! + frameWidth! <= width && top! + frameHeight! <= height ? { width, height } : null
}
