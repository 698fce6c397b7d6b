import { matchesText } from '../../src/images/sniff.ts'
import { readWebpChunks } from '../../src/images/webp-chunks.ts'
import { createChunk } from './png-writer.ts'

const ascii = (text: string): Buffer => Buffer.from(text, 'latin1')

/** EXIF as cameras write it: an orientation, a description, and a GPS directory. 'secret-gps' stands in the last. */
export function createSecretExif(orientation: number): Buffer {
  const description = ascii('secret-description\0')
  const datum = ascii('secret-gps\0')
  const bytes = Buffer.alloc(8 + 2 + 3 * 12 + 4 + 2 + 12 + 4)
  const texts = bytes.length
  bytes.write('II*\0\x08\0\0\0\x03\0', 'latin1')
  const entry = (at: number, tag: number, type: number, count: number, value: number) => {
    bytes.writeUInt16LE(tag, at)
    bytes.writeUInt16LE(type, at + 2)
    bytes.writeUInt32LE(count, at + 4)
    bytes.writeUInt32LE(value, at + 8)
  }
  entry(10, 0x010e, 2, description.length, texts)
  entry(22, 0x0112, 3, 1, orientation)
  entry(34, 0x8825, 4, 1, 50)
  bytes.writeUInt16LE(1, 50)
  entry(52, 0x0012, 2, datum.length, texts + description.length)
  return Buffer.concat([bytes, description, datum])
}

export const secretXmp = ascii('<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>secret-xmp</rdf:RDF></x:xmpmeta>')

/** What a zip archive begins with. */
export const zip = Buffer.concat([ascii('PK\x03\x04'), Buffer.alloc(26), ascii('secret-trailing')])

/** What phones put behind a Motion Photo. */
export const motionVideo = Buffer.concat([
  Buffer.from([0, 0, 0, 24]),
  ascii('ftypmp42\0\0\0\0mp42isom'),
  ascii('secret-trailing\xff\xd8\xff\xd9'),
])

/** One JPEG segment. */
export function createSegment(marker: number, ...data: (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(data.map((part) => (typeof part === 'string' ? ascii(part) : part)))
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([head, body])
}

/** A JPEG with segments behind its SOI. */
export const insertSegments = (jpeg: Uint8Array, ...segments: Uint8Array[]): Buffer =>
  Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)])

/** Every kind of metadata that a JPEG may have. */
export const createSecretSegments = (orientation: number): Buffer[] => [
  createSegment(0xe1, 'Exif\0\0', createSecretExif(orientation)),
  createSegment(0xe1, 'http://ns.adobe.com/xap/1.0/\0', secretXmp),
  createSegment(0xed, 'Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0esecret-caption'),
  createSegment(0xe0, 'JFXX\0\x10secret-thumbnail'),
  createSegment(0xe2, 'MPF\0secret-mpf'),
  createSegment(0xe4, 'secret-maker'),
  createSegment(0xfe, 'secret-comment'),
]

/** A PNG with chunks behind IHDR and before IEND. */
export const insertChunks = (png: Uint8Array, before: readonly Uint8Array[], behind: readonly Uint8Array[]): Buffer =>
  Buffer.concat([png.subarray(0, 33), ...before, png.subarray(33, -12), ...behind, png.subarray(-12)])

/** A PNG with every kind of metadata that one may have. */
export const insertSecretChunks = (png: Uint8Array, orientation: number): Buffer =>
  insertChunks(
    png,
    [
      createChunk('eXIf', createSecretExif(orientation)),
      createChunk('tEXt', ascii('Comment\0secret-comment')),
      createChunk('iTXt', Buffer.concat([ascii('XML:com.adobe.xmp\0\0\0\0\0'), secretXmp])),
    ],
    [
      createChunk('tIME', Buffer.from([7, 234, 11, 27, 1, 2, 3])),
      createChunk('zTXt', ascii('secret-comment\0\0')),
      createChunk('prVt', ascii('secret-maker')),
    ],
  )

/** One WebP chunk with its padding. */
export function createWebpChunk(type: string, data: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.write(type, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length & 1)])
}

/** A WebP of these chunks. */
export function createWebp(...chunks: Uint8Array[]): Buffer {
  const body = Buffer.concat(chunks)
  const head = Buffer.from('RIFF\0\0\0\0WEBP')
  head.writeUInt32LE(body.length + 4, 4)
  return Buffer.concat([head, body])
}

/** The data of VP8X. */
export function createExtended(flags: number, width: number, height: number): Buffer {
  const data = Buffer.alloc(10)
  data[0] = flags
  data.writeUIntLE(width - 1, 4, 3)
  data.writeUIntLE(height - 1, 7, 3)
  return createWebpChunk('VP8X', data)
}

/** The chunks of a WebP other than VP8X, by type and bytes. */
export const listWebpChunks = (webp: Uint8Array): { type: string; data: Uint8Array }[] =>
  [...readWebpChunks(webp)].filter(({ type }) => type !== 'VP8X').map(({ type, data }) => ({ type, data }))

/** A WebP of this size with EXIF and XMP, and a chunk that nobody knows before its picture. */
export function insertSecretWebpChunks(webp: Uint8Array, size: [number, number], orientation: number): Buffer {
  const flags = matchesText(webp, 12, 'VP8X') ? webp[20]! : 0
  return createWebp(
    createExtended(flags | 0x0c, ...size),
    ...listWebpChunks(webp)
      .filter(({ type }) => type === 'ICCP')
      .map(({ type, data }) => createWebpChunk(type, data)),
    createWebpChunk('MAKR', ascii('secret-maker!')),
    ...listWebpChunks(webp)
      .filter(({ type }) => type !== 'ICCP')
      .map(({ type, data }) => createWebpChunk(type, data)),
    createWebpChunk('EXIF', createSecretExif(orientation)),
    createWebpChunk('XMP ', secretXmp),
  )
}

/** A GIF extension of sub-blocks. */
export const createExtension = (label: number, ...blocks: (string | Uint8Array)[]): Buffer =>
  Buffer.concat([
    Buffer.from([0x21, label]),
    ...blocks.flatMap((block) => [Buffer.from([block.length]), typeof block === 'string' ? ascii(block) : block]),
    Buffer.from([0]),
  ])

/** XMP in a GIF, which ends by its magic trailer and not by sub-blocks of its own (XMP part 3, 1.1.2). */
export const createXmpExtension = (): Buffer => {
  const trailer = Buffer.from([1, ...Array.from({ length: 256 }, (_, i) => 255 - i), 0])
  return Buffer.concat([Buffer.from([0x21, 0xff, 11]), ascii('XMP DataXMP'), secretXmp, trailer])
}

/** A GIF with blocks behind its screen descriptor and colour table. */
export function insertBlocks(gif: Uint8Array, ...blocks: Uint8Array[]): Buffer {
  const at = 13 + (gif[10]! & 0x80 ? 3 << ((gif[10]! & 7) + 1) : 0)
  return Buffer.concat([gif.subarray(0, at), ...blocks, gif.subarray(at)])
}
