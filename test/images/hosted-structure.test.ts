import { beforeAll, describe, expect, test } from 'vitest'
import { expectRefused, strip } from './expect-hosted.ts'
import { createPicture } from './hosted-samples.ts'
import {
  createExtended,
  createExtension,
  createSegment,
  createWebp,
  createWebpChunk,
  insertBlocks,
  insertSegments,
  listWebpChunks,
  zip,
} from './metadata-writer.ts'

describe('JPEG', () => {
  const frame = (width: number, height: number) =>
    createSegment(0xc0, Buffer.from([8, 0, height, 0, width, 1, 1, 0x11, 0]))
  const scan = Buffer.concat([
    createSegment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    Buffer.from([0x12, 0xff, 0, 0x34]),
  ])
  const soi = Buffer.from([0xff, 0xd8])
  const eoi = Buffer.from([0xff, 0xd9])
  const join = (...segments: Uint8Array[]) => Buffer.concat([soi, ...segments, eoi])
  const jpeg = join(frame(8, 8), scan)
  const put = (...segments: Uint8Array[]) => insertSegments(jpeg, ...segments)

  test('is taken where it is sound', () => {
    expect(strip(jpeg)).toBe(jpeg)
    expect(
      strip(put(createSegment(0xdd, '\0\x08'), createSegment(0xdc, '\0\x08'), createSegment(0xcc, '\0\0'))),
    ).toHaveLength(jpeg.length + 18)
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['without a frame header', join(createSegment(0xdd, '\0\x08')), /without a frame header/],
    ['with a scan before its frame header', join(scan, frame(8, 8), scan), /scan before its frame header/],
    ['without a scan', join(frame(8, 8)), /without a scan/],
    ['with an empty scan', join(frame(8, 8), createSegment(0xda, Buffer.from([1, 1, 0, 0, 63, 0]))), /empty scan/],
    ['without an end', jpeg.subarray(0, -2), /truncated JPEG/],
    ['with two frame headers', join(frame(8, 8), frame(8, 8), scan), /two frame headers/],
    ['of no width', join(frame(0, 8), scan), /0 x 8 pixels/],
    ['of no height', join(frame(8, 0), scan), /8 x 0 pixels/],
    ['with a zero between its segments', join(frame(8, 8), Buffer.from([0]), scan), /bytes between its segments/],
    ['with FF00 between its segments', join(frame(8, 8), Buffer.from([0xff, 0]), scan), /FF00 where a segment/],
    ['with a restart between its segments', join(frame(8, 8), Buffer.from([0xff, 0xd0]), scan), /FFD0 where a segment/],
    ['with a picture in the picture', join(frame(8, 8), soi, scan), /FFD8 where a segment/],
    ['with a reserved marker', put(createSegment(2, 'x')), /FF02 where a segment/],
    ['with a marker of JPEG-LS', put(createSegment(0xf7, 'x')), /FFF7 that is not known/],
    ['of hierarchical coding', put(createSegment(0xde, 'x')), /FFDE that is not known/],
    ['with a segment of length 1', put(Buffer.from([0xff, 0xe4, 0, 1])), /segment of impossible length/],
    ['with a segment beyond its end', put(Buffer.from([0xff, 0xe4, 0xff, 0xff])), /truncated JPEG/],
    [
      'with a frame header that is too long',
      join(createSegment(0xc0, Buffer.from([8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0])), scan),
      /frame header of impossible/,
    ],
    [
      'with a scan header that is too short',
      join(frame(8, 8), createSegment(0xda, Buffer.from([1, 1, 0])), Buffer.of(1)),
      /scan header of impossible/,
    ],
    [
      'with more than a quantization table',
      put(createSegment(0xdb, Buffer.alloc(65), 'secret')),
      /DQT segment of impossible/,
    ],
    [
      'with more than a Huffman table',
      put(createSegment(0xc4, Buffer.alloc(17), 'secret')),
      /DHT segment of impossible/,
    ],
    ['with more than a restart interval', put(createSegment(0xdd, '\0\x08secret')), /DRI segment of impossible/],
    ['with more than a number of lines', put(createSegment(0xdc, '\0\x08secret')), /DNL segment of impossible/],
    ['with half a conditioning', put(createSegment(0xcc, '\0')), /DAC segment of impossible/],
  ])('%s', (_, file, message) => expectRefused(file, message))
})

describe('GIF', () => {
  const head = (width: number, height: number) => Buffer.from([...Buffer.from('GIF89a'), width, 0, height, 0, 0, 0, 0])
  const image = (codeSize = 2, data = [2, 0x4c, 0x01, 0]) =>
    Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0x80, 0, 0, 0, 255, 255, 255, codeSize, ...data])
  const trailer = Buffer.of(0x3b)
  const gif = Buffer.concat([head(1, 1), image(), trailer])

  test('is taken where it is sound', () => expect(strip(gif)).toBe(gif))

  test.each<[string, Uint8Array, RegExp]>([
    ['without an image', Buffer.concat([head(1, 1), createExtension(0xf9, '\0\0\0\0'), trailer]), /without an image/],
    ['without an end', gif.subarray(0, -1), /truncated GIF/],
    ['of no width', Buffer.concat([head(0, 1), image(), trailer]), /0 x 1 pixels/],
    ['of no height', Buffer.concat([head(1, 0), image(), trailer]), /1 x 0 pixels/],
    ['with junk between its blocks', insertBlocks(gif, Buffer.of(0)), /bytes between its blocks/],
    ['with an image without data', Buffer.concat([head(1, 1), image(2, [0]), trailer]), /image without data/],
    ['of code size 0', Buffer.concat([head(1, 1), image(0), trailer]), /code size 0; 1 to 8/],
    ['of code size 9', Buffer.concat([head(1, 1), image(9), trailer]), /code size 9; 1 to 8/],
    ['with a long graphic control', insertBlocks(gif, createExtension(0xf9, '\0\0\0\0x')), /graphic control/],
    ['with more than a graphic control', insertBlocks(gif, createExtension(0xf9, '\0\0\0\0', 'x')), /graphic control/],
    [
      'with a colour table beyond its end',
      Buffer.from([...Buffer.from('GIF89a'), 1, 0, 1, 0, 0x87, 0, 0]),
      /truncated GIF/,
    ],
  ])('%s', (_, file, message) => expectRefused(file, message))
})

describe('WebP', () => {
  // One pixel without loss (RFC 9649, 3): signature and header, and bits that say nothing here.
  const pixel = createWebpChunk('VP8L', Buffer.from([0x2f, 0, 0, 0, 0, 0]))
  const webp = createWebp(pixel)
  const motion = createExtended(0x02, 4, 4)
  const anim = createWebpChunk('ANIM', Buffer.alloc(6))
  const frame = (x: number, ...chunks: Uint8Array[]) =>
    createWebpChunk('ANMF', Buffer.concat([Buffer.from([x]), Buffer.alloc(15), ...chunks]))
  let lossy: Uint8Array
  beforeAll(async () => {
    lossy = listWebpChunks(await createPicture().webp().toBuffer())[0]!.data
  })

  test('is taken where it is sound', () => {
    expect(strip(webp)).toBe(webp)
    const moving = createWebp(motion, anim, frame(0, pixel), frame(1, pixel))
    expect(strip(moving)).toBe(moving)
  })

  test.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    ['that is no key frame', (bytes) => bytes.with(0, bytes[0]! | 1)],
    ['that is not shown', (bytes) => bytes.with(0, bytes[0]! & ~0x10)],
    ['whose first partition is longer than all', (bytes) => bytes.with(2, 0xff)],
    ['without a start code', (bytes) => bytes.with(3, 0)],
    ['of no width', (bytes) => bytes.with(6, 0)],
  ])('with a picture %s', (_, change) => {
    expect(() => strip(createWebp(createWebpChunk('VP8 ', lossy)))).not.toThrow()
    expectRefused(createWebp(createWebpChunk('VP8 ', change(lossy))), /without a picture chunk/)
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['with a RIFF size beyond the file', webp.with(4, 100), /truncated WebP/],
    ['with a RIFF size of one byte more', webp.with(4, webp[4]! + 1), /truncated WebP/],
    [
      'with a chunk beyond its RIFF size',
      Buffer.concat([webp.with(4, webp[4]! - 4), zip]),
      /chunk of impossible length/,
    ],
    ['with stray bytes', createWebp(pixel, Buffer.alloc(4)), /bytes between its chunks/],
    ['of nothing', createWebp(), /without a picture chunk/],
    ['of EXIF alone', createWebp(createWebpChunk('EXIF', zip)), /without a picture chunk/],
    ['without a picture', createWebp(createExtended(0, 1, 1)), /without a picture chunk/],
    ['with a long VP8X', createWebp(createWebpChunk('VP8X', Buffer.alloc(11)), pixel), /VP8X chunk of impossible/],
    ['whose sizes disagree', createWebp(createExtended(0, 2, 1), pixel), /announces 2 x 1 pixels and has 1 x 1/],
    ['with a frame before ANIM', createWebp(motion, frame(0, pixel), anim), /frame before its ANIM/],
    [
      'with a short ANIM',
      createWebp(motion, createWebpChunk('ANIM', zip), frame(0, pixel)),
      /ANIM chunk of impossible/,
    ],
    ['in motion, without a frame', createWebp(motion, anim, pixel), /without a picture chunk/],
    ['with an empty frame', createWebp(motion, anim, frame(0)), /frame without a picture/],
    ['with a short frame', createWebp(motion, anim, createWebpChunk('ANMF', Buffer.alloc(14))), /frame of impossible/],
    ['with a frame beyond its canvas', createWebp(motion, anim, frame(2, pixel)), /frame beyond its canvas/],
    [
      'with a frame of another size',
      createWebp(
        createExtended(0x02, 33, 21),
        anim,
        frame(0, createWebpChunk('VP8L', Buffer.from([0x2f, 1, 0, 0, 0, 0]))),
      ),
      /announces 1 x 1 pixels and has 2 x 1/,
    ],
  ])('%s', (_, file, message) => expectRefused(file, message))
})
