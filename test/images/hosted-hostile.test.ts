import { crc32 } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '../../src/errors.ts'
import { joinPieces, readHostedImage } from '../../src/images/hosted-image.ts'
import { expectRefused, expectStable, strip } from './expect-hosted.ts'
import { samples } from './hosted-samples.ts'
import {
  createExtended,
  createExtension,
  createSegment,
  createWebp,
  createWebpChunk,
  insertBlocks,
  insertSegments,
  zip,
} from './metadata-writer.ts'
import { createChunk, createIhdr, createPng, pngSignature } from './png-writer.ts'

const fiveMegabytes = 5 << 20

/** As many of these as five megabytes hold. */
function repeat(...parts: Uint8Array[]): Buffer {
  const unit = Buffer.concat(parts)
  return Buffer.alloc(Math.floor(fiveMegabytes / unit.length) * unit.length, unit)
}

describe('five megabytes of', () => {
  const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
  const png = createPng(spec, Uint8Array.of(0, 0))
  const [head, idat, iend] = [Buffer.concat([pngSignature, createIhdr(spec)]), png.subarray(33, -12), png.subarray(-12)]
  const pngWith = (...chunks: Uint8Array[]) => Buffer.concat([head, ...chunks, iend])

  const frame = createSegment(0xc0, Buffer.from([8, 0, 8, 0, 8, 1, 1, 0x11, 0]))
  const scan = Buffer.concat([createSegment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])), Buffer.of(0x12)])
  const eoi = Buffer.from([0xff, 0xd9])
  const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8]), frame, scan, eoi])
  const comment = createSegment(0xfe)
  const interval = createSegment(0xdd, '\0\x08')

  const pixel = createWebpChunk('VP8L', Buffer.from([0x2f, 0, 0, 0, 0, 0]))
  const extended = createExtended(0, 1, 1)
  const motion = createExtended(0x02, 1, 1)
  const anim = createWebpChunk('ANIM', Buffer.alloc(6))
  const unknown = createWebpChunk('MAKR', Buffer.alloc(0))
  const moving = createWebpChunk('ANMF', Buffer.concat([Buffer.alloc(16), pixel]))

  const screen = Buffer.from('GIF89a\x01\0\x01\0\0\0\0', 'latin1')
  const image = Buffer.from([0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 0x4c, 0, 0x3b])
  const gif = Buffer.concat([screen, image])
  const remark = createExtension(0xfe)
  const control = createExtension(0xf9, '\0\0\0\0')

  test.each<[string, Uint8Array, Uint8Array]>([
    ['texts in a PNG', pngWith(repeat(createChunk('tEXt')), idat), png],
    [
      'profiles in a PNG',
      pngWith(repeat(createChunk('sRGB', Buffer.of(0))), idat),
      pngWith(createChunk('sRGB', Buffer.of(0)), idat),
    ],
    ['frames that nobody announced, in a PNG', pngWith(idat, repeat(createChunk('fdAT', Buffer.alloc(4)))), png],
    ['comments in a JPEG', insertSegments(jpeg, repeat(comment)), jpeg],
    ['fill bytes in a JPEG', insertSegments(jpeg, Buffer.alloc(fiveMegabytes, 0xff)), jpeg],
    ['EXIF in a JPEG', insertSegments(jpeg, repeat(createSegment(0xe1, 'Exif\0\0'))), jpeg],
    ['junk behind a JPEG', Buffer.concat([jpeg, Buffer.alloc(fiveMegabytes, 0xff)]), jpeg],
    ['comments in a GIF', insertBlocks(gif, repeat(remark)), gif],
    [
      'sub-blocks in a comment of a GIF',
      insertBlocks(gif, Buffer.from([0x21, 0xfe]), repeat(Buffer.from([1, 1])), Buffer.of(0)),
      gif,
    ],
    ['unknown chunks in a WebP', createWebp(extended, repeat(unknown), pixel), createWebp(extended, pixel)],
    ['second pictures in a WebP', createWebp(pixel, repeat(pixel)), createWebp(pixel)],
    [
      'unknown chunks in a frame of a WebP',
      createWebp(motion, anim, createWebpChunk('ANMF', Buffer.concat([Buffer.alloc(16), repeat(unknown), pixel]))),
      createWebp(motion, anim, moving),
    ],
  ])('%s are left out', (_, file, expected) => {
    const image = readHostedImage(file)
    expect(image.pieces.length).toBeLessThan(10)
    expect(Buffer.from(joinPieces(image)).equals(expected)).toBe(true)
  })

  test.each<[string, Uint8Array]>([
    ['data in a PNG', pngWith(repeat(createChunk('IDAT', Buffer.of(0))))],
    ['scans in a JPEG', Buffer.concat([jpeg.subarray(0, -2), repeat(scan), eoi])],
    ['stuffed bytes in a JPEG', Buffer.concat([jpeg.subarray(0, -2), repeat(Buffer.from([0xff, 0])), eoi])],
    ['restarts in a JPEG', Buffer.concat([jpeg.subarray(0, -2), repeat(Buffer.from([0xff, 0xd0])), eoi])],
    ['intervals in a JPEG', insertSegments(jpeg, repeat(interval))],
    ['images in a GIF', insertBlocks(gif, repeat(image.subarray(0, -1)))],
    ['frames in a WebP', createWebp(motion, anim, repeat(moving))],
  ])('%s are one piece', (_, file) => {
    // Not `toBe(file)`, which takes minutes to tell how so many bytes differ.
    expect(strip(file) === file).toBe(true)
  })

  test.each<[string, Uint8Array]>([
    [
      'a PNG',
      pngWith(
        createChunk('acTL', Buffer.alloc(8)),
        idat,
        repeat(createChunk('fdAT', Buffer.alloc(4)), createChunk('tEXt')),
      ),
    ],
    ['a JPEG', insertSegments(jpeg, repeat(interval, comment))],
    [
      'a JPEG, within Adobe segments',
      insertSegments(jpeg, repeat(createSegment(0xee, 'Adobe\0\x64\0\0\0\0\x01', 'secret'))),
    ],
    ['a GIF', insertBlocks(gif, repeat(control, remark))],
    ['a GIF, within loops', insertBlocks(gif, repeat(createExtension(0xff, 'NETSCAPE2.0', '\x01\0\0', 'secret')))],
    ['a WebP', createWebp(motion, anim, repeat(moving, unknown))],
  ])('metadata between everything in %s is refused', (_, file) => {
    expectRefused(file, /has metadata at more than 25000 places; send a sound file/)
  })
})

describe('mutations', () => {
  /** Numbers below `limit`, the same every time (xorshift). */
  function createRandom(seed: number): (limit: number) => number {
    let state = seed
    return (limit) => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return (state >>> 0) % limit
    }
  }

  /** A file with one thing changed: a byte, a piece gone, doubled, moved in or cut off. */
  function mutate(file: Uint8Array, random: (limit: number) => number): Buffer {
    const bytes = Buffer.from(file)
    const at = random(bytes.length)
    const length = 1 + random(40)
    const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)]
    const special = [0, 1, 0x21, 0x2c, 0x3b, 0x7f, 0x80, 0xd8, 0xd9, 0xda, 0xfe, 0xff]
    const changes = [
      () => Buffer.concat([before, Buffer.of(random(256)), behind.subarray(1)]),
      () => Buffer.concat([before, Buffer.of(special[random(special.length)]!), behind.subarray(1)]),
      () => Buffer.concat([before, Buffer.from(Array.from({ length }, () => random(256))), behind]),
      () => Buffer.concat([before, behind.subarray(length)]),
      () => Buffer.concat([before, behind.subarray(0, length), behind]),
      () => Buffer.concat([before, bytes.subarray(random(bytes.length)).subarray(0, length), behind]),
      () => before,
    ]
    return changes[random(changes.length)]!()
  }

  /** Checksums and RIFF's size put right, so that a change reaches the rules behind them. */
  function repair(bytes: Buffer): Buffer {
    const riffBytes = bytes.length - 8 - zip.length
    if (bytes.toString('latin1', 8, 12) === 'WEBP' && riffBytes > 0) bytes.writeUInt32LE(riffBytes, 4)
    if (bytes.toString('latin1', 1, 4) !== 'PNG') return bytes
    for (let at = 8; at + 12 <= bytes.length; ) {
      const end = at + 8 + bytes.readUInt32BE(at)
      if (end + 4 > bytes.length) break
      bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end)
      at = end + 4
    }
    return bytes
  }

  /** The message that a file is refused with, or null. Any other error is thrown. */
  function explainRefusal(file: Uint8Array): string | null {
    try {
      readHostedImage(file)
      return null
    } catch (error) {
      if (error instanceof ApiError && error.code === 'unsupported_format') return error.message
      throw error
    }
  }

  const seeds = [
    'PNG with a palette',
    'JPEG of orientation 6',
    'JPEG, progressive',
    'GIF',
    'GIF in motion',
    'WebP with alpha',
    'WebP in motion',
  ]
  const files = new Map<string, Uint8Array>()
  beforeAll(async () => {
    for (const name of seeds) files.set(name, await samples[name]!())
  })

  test.each(seeds)('of %s are refused, or stripped for good', (name) => {
    const random = createRandom(0x5eed)
    let taken = 0
    for (let round = 0; round < 1200; round += 1) {
      let file = mutate(files.get(name)!, random)
      if (random(2)) file = mutate(file, random)
      if (random(4)) file = repair(file)
      const refusal = explainRefusal(file)
      if (refusal !== null) {
        expect(refusal).toMatch(/^The file (is|has) .*; send .*\.$/)
        continue
      }
      taken += 1
      expectStable(file)
    }
    // The changes are such that both happen.
    expect(taken).toBeGreaterThan(100)
    expect(taken).toBeLessThan(1100)
  })
})
