import { Pieces, type StrippedImage } from './pieces.ts'
import { refuseFile, refuseTruncated } from './refuse-file.ts'
import { matchesText } from './sniff.ts'

/** Header and logical screen descriptor (GIF89a, 17 and 18). */
const headBytes = 13
const imageDescriptorBytes = 10
/** Graphic control extension, its terminator included (23). */
const graphicControlBytes = 8
/** Introducer, label, size and name of an application extension (26). */
const applicationBytes = 14

/** First bytes of blocks (appendix A), and labels of extensions. */
const blocks = { extension: 0x21, image: 0x2c, trailer: 0x3b, graphicControl: 0xf9, application: 0xff } as const

/** Bytes of a colour table, by the packed field that announces it (18 and 20). */
const countTableBytes = (packed: number): number => (packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0)

/** Offset behind the sub-blocks that begin at `at`, their terminator included (15). */
function findSubBlocksEnd(file: Uint8Array, from: number): number {
  let at = from
  while (at < file.length && file[at] !== 0) at += 1 + file[at]!
  return at < file.length ? at + 1 : refuseTruncated('GIF')
}

/** The sub-block of a NETSCAPE2.0 extension that tells how often to play, between `from` and `end`. */
function findLoops(file: Uint8Array, from: number, end: number): Uint8Array | null {
  for (let at = from; at < end; at += 1 + file[at]!) {
    // The low three bits tell its kind.
    if (file[at]! >= 3 && (file[at + 1]! & 7) === 1) return file.subarray(at + 1, at + 4)
  }
  return null
}

type ApplicationKeeper = (file: Uint8Array, pieces: Pieces, start: number, end: number) => void

/** Keeps a loop extension with nothing but its count. */
const keepLoops: ApplicationKeeper = (file, pieces, start, end) => {
  const loops = findLoops(file, start + applicationBytes, end)
  if (!loops) return
  // What it is made of stands there already, where nobody has added to it.
  if (end === start + applicationBytes + 5) pieces.keep(start, end)
  else pieces.put(Uint8Array.from([...file.subarray(start, start + applicationBytes), 3, ...loops, 0]))
}

/** Application extensions that decide about the picture, by identifier and authentication code. */
const applications: Readonly<Record<string, ApplicationKeeper>> = {
  'NETSCAPE2.0': keepLoops,
  'ANIMEXTS1.0': keepLoops,
  // The colour profile (ICC.1:2022, B.6).
  ICCRGBG1012: (_, pieces, start, end) => pieces.keep(start, end),
}

/** Reads the extension at `start`, keeps it if it decides about the picture, and gives the offset behind it. */
function readExtension(file: Uint8Array, pieces: Pieces, start: number): number {
  const label = file[start + 1]
  const end = findSubBlocksEnd(file, start + 2)
  if (label === blocks.graphicControl) {
    if (file[start + 2] !== 4 || end !== start + graphicControlBytes) {
      refuseFile('is a GIF with a graphic control extension of impossible length')
    }
    pieces.keep(start, end)
  } else if (label === blocks.application && file[start + 2] === applicationBytes - 3) {
    const name = Object.keys(applications).find((text) => matchesText(file, start + 3, text))
    if (name) applications[name]!(file, pieces, start, end)
  }
  return end
}

/** Reads the image at `start` (20 to 22), keeps it, and gives the offset behind it. */
function readImage(file: Uint8Array, pieces: Pieces, start: number): number {
  if (start + imageDescriptorBytes > file.length) refuseTruncated('GIF')
  const dataAt = start + imageDescriptorBytes + countTableBytes(file[start + 9]!)
  const codeSize = file[dataAt]
  if (codeSize === undefined) refuseTruncated('GIF')
  if (codeSize < 1 || codeSize > 8) refuseFile(`is a GIF with an image of code size ${codeSize}; 1 to 8 are possible`)
  const end = findSubBlocksEnd(file, dataAt + 1)
  if (end === dataAt + 2) refuseFile('is a GIF with an image without data')
  pieces.keep(start, end)
  return end
}

/**
 * Strips a GIF (GIF89a). Comments, plain text, and applications but loops and colour profile are left out.
 * `file` begins with `GIF87a` or `GIF89a`. Throws ApiError `unsupported_format`.
 */
export function stripGif(file: Uint8Array): StrippedImage {
  if (file.length < headBytes) refuseTruncated('GIF')
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const [width, height] = [view.getUint16(6, true), view.getUint16(8, true)]
  if (width === 0 || height === 0) refuseFile(`is a GIF of ${width} x ${height} pixels, which none can have`)
  const pieces = new Pieces(file)
  let at = headBytes + countTableBytes(file[10]!)
  pieces.keep(0, at)
  let images = 0
  while (file[at] !== blocks.trailer) {
    const block = file[at]
    if (block === undefined) refuseTruncated('GIF')
    if (block === blocks.image) images += 1
    else if (block !== blocks.extension) refuseFile('is a GIF with bytes between its blocks that belong to none')
    at = block === blocks.image ? readImage(file, pieces, at) : readExtension(file, pieces, at)
  }
  if (images === 0) refuseFile('is a GIF without an image')
  pieces.keep(at, at + 1)
  return { width, height, orientation: 1, pieces: pieces.finish(), size: pieces.size }
}
