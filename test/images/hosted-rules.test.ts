import { describe, expect, test } from 'vitest'
import { readOrientation } from '../../src/images/exif.ts'
import { readHostedImage } from '../../src/images/hosted-image.ts'
import { readSegments } from '../../src/images/jpeg-segments.ts'
import { readChunks } from '../../src/images/png-chunks.ts'
import { readWebpChunks } from '../../src/images/webp-chunks.ts'
import { expectStable, strip } from './expect-hosted.ts'
import { createFrames, createPicture } from './hosted-samples.ts'
import {
  createExtended,
  createExtension,
  createSecretExif,
  createSegment,
  createWebp,
  createWebpChunk,
  insertBlocks,
  insertChunks,
  insertSecretChunks,
  insertSegments,
  listWebpChunks,
} from './metadata-writer.ts'
import { readOdd } from './odd-images.ts'
import { createChunk, createPng } from './png-writer.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

describe('PNG keeps', () => {
  const listTypes = (file: Uint8Array): string[] => [...readChunks(file)].map(({ type }) => type)
  const colour = [
    createChunk('gAMA', Buffer.alloc(4)),
    createChunk('cHRM', Buffer.alloc(32)),
    createChunk('sRGB', Buffer.alloc(1)),
    createChunk('iCCP', Buffer.from('p\0\0x')),
    createChunk('cICP', Buffer.alloc(4)),
    createChunk('sBIT', Buffer.alloc(1)),
    createChunk('mDCV', Buffer.alloc(24)),
    createChunk('cLLI', Buffer.alloc(8)),
    createChunk('bKGD', Buffer.alloc(2)),
    createChunk('pHYs', Buffer.alloc(9)),
    createChunk('tRNS', Buffer.alloc(2)),
  ]
  const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
  const rows = Uint8Array.of(0, 0)

  test('what decides about colour, density and transparency', () => {
    const png = createPng(spec, rows, colour)
    expect(strip(png)).toBe(png)
  })
  test('each of these once', () => {
    expect(Buffer.from(strip(createPng(spec, rows, [...colour, ...colour])))).toEqual(
      Buffer.from(createPng(spec, rows, colour)),
    )
  })
  test('none of these behind the picture, or with more in it', () => {
    const long = ['gAMA', 'sRGB', 'pHYs', 'cHRM', 'acTL'].map((type) => createChunk(type, Buffer.alloc(40)))
    const png = createPng(spec, rows)
    expect(Buffer.from(strip(insertChunks(png, long, colour))).equals(png)).toBe(true)
  })
  test('no palette in a grey picture', () => {
    const png = createPng(spec, rows, [createChunk('PLTE', Buffer.alloc(3))])
    expect(listTypes(strip(png))).toEqual(['IHDR', 'IDAT', 'IEND'])
  })
  test('an animation, and its orientation before the first picture', () => {
    const png = readOdd('anim.png')
    expect(listTypes(png).filter((type) => type === 'fdAT').length).toBeGreaterThan(0)
    const at = listTypes(png).indexOf('IDAT')
    expect(listTypes(strip(insertSecretChunks(png, 5)))).toEqual(listTypes(png).toSpliced(at, 0, 'eXIf'))
    expect(readHostedImage(insertSecretChunks(png, 5)).orientation).toBe(5)
  })
  test('no frames without acTL: nobody shows them', () => {
    const frame = [createChunk('fcTL', Buffer.alloc(26)), createChunk('fdAT', Buffer.from('secret'))]
    const png = createPng(spec, rows)
    expect(Buffer.from(strip(insertChunks(png, frame.slice(0, 1), frame))).equals(png)).toBe(true)
  })
  test('an orientation that stands behind the picture, moved before it', () => {
    const png = insertChunks(createPng(spec, rows), [], [createChunk('eXIf', createSecretExif(7))])
    expect(readHostedImage(png).orientation).toBe(7)
    const stripped = strip(png)
    expect(listTypes(stripped)).toEqual(['IHDR', 'eXIf', 'IDAT', 'IEND'])
    expect(readOrientation([...readChunks(stripped)][1]!.data)).toBe(7)
    expectStable(png)
  })
})

describe('JPEG', () => {
  const jpeg = () => createPicture().jpeg().toBuffer()
  const jfif = createSegment(0xe0, 'JFIF\0\x01\x02\x01\0\x60\0\x60\0\0')

  test('has JFIF first and then its orientation, wherever they stood', async () => {
    const exif = createSegment(0xe1, 'Exif\0\0', createSecretExif(6))
    const stripped = strip(insertSegments(await jpeg(), createSegment(0xfe, 'secret'), exif, jfif))
    const [first, second, third] = [...readSegments(stripped)]
    expect([first!.marker, second!.marker]).toEqual([0xe0, 0xe1])
    expect(third!.marker).toBeGreaterThan(0xc0)
    expect(text(second!.data!.subarray(0, 6))).toBe('Exif\0\0')
    expect(second!.data).toHaveLength(6 + 26)
  })
  test('loses the thumbnail of JFIF and keeps its density', async () => {
    const thumbnail = createSegment(0xe0, 'JFIF\0\x01\x02\x01\0\x60\0\x60\x01\x01', 'sec')
    const file = await jpeg()
    expect(Buffer.from(strip(insertSegments(file, thumbnail))).subarray(0, 20)).toEqual(
      Buffer.concat([file.subarray(0, 2), jfif]),
    )
  })
  test('has the orientation of its first EXIF', async () => {
    const exif = (orientation: number) => createSegment(0xe1, 'Exif\0\0', createSecretExif(orientation))
    expect(readHostedImage(insertSegments(await jpeg(), exif(3), exif(6))).orientation).toBe(3)
    const upright = readHostedImage(insertSegments(await jpeg(), exif(1), exif(6)))
    expect(upright.orientation).toBe(1)
    expect(upright.size).toBe((await jpeg()).length)
  })
  test('keeps all parts of its profile, and of Adobe what that has to say', async () => {
    const profile = [1, 2].map((part) => createSegment(0xe2, `ICC_PROFILE\0${String.fromCharCode(part)}\x02`, 'part'))
    const adobe = createSegment(0xee, 'Adobe\0\x64\0\0\0\0\x01')
    const file = insertSegments(await jpeg(), adobe, ...profile)
    expect(strip(file)).toBe(file)
    const long = createSegment(0xee, 'Adobe\0\x64\0\0\0\0\x01', 'secret')
    expect(Buffer.from(strip(insertSegments(await jpeg(), long, ...profile))).equals(file)).toBe(true)
  })
})

describe('GIF', () => {
  const loops = (name: string) => createExtension(0xff, name, '\x01\x05\0')
  const gif = () => createPicture().gif().toBuffer()

  test.each(['NETSCAPE2.0', 'ANIMEXTS1.0'])('keeps %s, with nothing but the loops', async (name) => {
    const file = insertBlocks(await gif(), loops(name))
    expect(strip(file)).toBe(file)
    const long = insertBlocks(await gif(), createExtension(0xff, name, 'secret', '\x01\x05\0secret', 'secret'))
    expect(Buffer.from(strip(long)).equals(file)).toBe(true)
    const empty = insertBlocks(await gif(), createExtension(0xff, name, 'secret'))
    expect(Buffer.from(strip(empty)).equals(await gif())).toBe(true)
  })
  test('keeps its colour profile', async () => {
    const file = insertBlocks(await gif(), createExtension(0xff, 'ICCRGBG1012', 'profile', 'profile'))
    expect(strip(file)).toBe(file)
  })
  test('loses what stands between its frames', async () => {
    const file = await (await createFrames()).gif({ delay: 70 }).toBuffer()
    const at = file.indexOf(Buffer.from([0x21, 0xf9, 4]), 1000)
    const comment = createExtension(0xfe, 'secret')
    const long = Buffer.concat([file.subarray(0, at), comment, file.subarray(at, -1), comment, file.subarray(-1)])
    expect(Buffer.from(strip(long)).equals(file)).toBe(true)
    expect(readHostedImage(long).pieces).toHaveLength(3)
  })
})

describe('WebP', () => {
  const chunks = (file: Uint8Array) => [...readWebpChunks(file)].map(({ type }) => type)
  const picture = async (alpha: boolean) =>
    listWebpChunks(
      await createPicture(alpha ? 4 : 3)
        .webp()
        .toBuffer(),
    ).map(({ type, data }) => createWebpChunk(type, data))
  const secret = createWebpChunk('MAKR', Buffer.from('secret'))

  test('announces what it has', async () => {
    const file = createWebp(createExtended(0xff, 33, 21), ...(await picture(false)))
    expect(() => strip(file)).toThrow('without a picture chunk')
    file[20] = 0xfd
    expect(strip(file)[20]).toBe(0x10)
    const turned = createWebp(
      createExtended(0x08, 33, 21),
      ...(await picture(false)),
      createWebpChunk('EXIF', Buffer.concat([Buffer.from('Exif\0\0'), createSecretExif(8)])),
    )
    const stripped = strip(turned)
    expect(stripped[20]).toBe(0x08)
    expect(chunks(stripped)).toEqual(['VP8X', 'VP8 ', 'EXIF'])
    expect(Buffer.from(stripped).readUInt32LE(4)).toBe(stripped.length - 8)
    expect(readOrientation([...readWebpChunks(stripped)][2]!.data)).toBe(8)
  })
  test('of the simple layout is a picture and nothing else', async () => {
    const exif = createWebpChunk('EXIF', createSecretExif(8))
    const [only] = await picture(false)
    const image = readHostedImage(createWebp(only!, exif, secret))
    expect(image.orientation).toBe(1)
    expect(Buffer.from(strip(createWebp(only!, exif, secret))).equals(createWebp(only!))).toBe(true)
  })
  test('has one picture, and alpha before it', async () => {
    const [alpha, lossy] = await picture(true)
    const file = createWebp(createExtended(0x10, 33, 21), alpha!, secret, lossy!, lossy!, alpha!)
    expect(Buffer.from(strip(file)).equals(createWebp(createExtended(0x10, 33, 21), alpha!, lossy!))).toBe(true)
  })
  test('loses what stands in its frames', async () => {
    const [alpha, lossy] = await picture(true)
    const place = Buffer.from([0, 0, 0, 0, 0, 0, 32, 0, 0, 20, 0, 0, 70, 0, 0, 0])
    const create = (further: Uint8Array[]) =>
      createWebp(
        createExtended(0x12, 33, 21),
        createWebpChunk('ANIM', Buffer.alloc(6)),
        ...[1, 2].map(() =>
          createWebpChunk('ANMF', Buffer.concat([place, ...further, alpha!, ...further, lossy!, ...further])),
        ),
      )
    const file = create([])
    expect(strip(file)).toBe(file)
    expect(Buffer.from(strip(create([secret]))).equals(file)).toBe(true)
    expectStable(create([secret]))
  })
  test('of an odd RIFF size, with junk for its padding, is padded with 0', async () => {
    const data = Buffer.from([0x2f, 0, 0, 0, 0, 0, 0])
    const sound = createWebp(createWebpChunk('VP8L', data))
    const odd = Buffer.concat([sound.subarray(0, -1), Buffer.from('PK')])
    odd.writeUInt32LE(sound.length - 9, 4)
    expect(Buffer.from(strip(odd)).equals(sound)).toBe(true)
  })
})
