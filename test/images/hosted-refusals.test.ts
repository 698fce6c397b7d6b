import { describe, expect, test } from 'vitest'
import { expectRefused, strip } from './expect-hosted.ts'
import { createFrames, createPicture, samples } from './hosted-samples.ts'
import { createWebp, createWebpChunk, insertChunks, listWebpChunks, zip } from './metadata-writer.ts'
import { createChunk, createIhdr, createPng, pngSignature } from './png-writer.ts'

describe('what is no image', () => {
  test.each([
    ['nothing', '', /^The file is empty; send a PNG, JPEG, GIF or WebP image\.$/],
    [
      'SVG',
      '<svg xmlns="http://www.w3.org/2000/svg"/>',
      /^The file is SVG data; send a PNG, JPEG, GIF or WebP image\.$/,
    ],
    ['HTML', '<!DOCTYPE html><script>alert(1)</script>', /is HTML data/],
    ['PDF', '%PDF-1.7\n', /is PDF data/],
    ['BMP', 'BM\x36\0\0\0\0\0\0\0', /is BMP data/],
    ['TIFF', 'II*\0\x08\0\0\0', /is TIFF data/],
    ['AVIF', '\0\0\0\x20ftypavif', /is AVIF data/],
    ['a zip archive', zip.toString('latin1'), /is no image that is known here; send a PNG/],
    ['text', 'hello', /is no image that is known here/],
    ['HTML behind the magic bytes of JPEG', '\xff\xd8\xff<html><script>alert(1)</script>', /is a JPEG with FF3C where/],
    ['HTML behind those of PNG', '\x89PNG\r\n\x1a\n<html><script>alert(1)</script></html>', /is not a PNG behind/],
    ['HTML behind those of GIF', 'GIF89a<html><script>alert(1)</script></html>', /is a (truncated )?GIF/],
    ['HTML behind those of WebP', 'RIFF\x10\0\0\0WEBP<html><script></html>', /is a (truncated )?WebP/],
  ])('%s', (_, text, message) => expectRefused(Buffer.from(text, 'latin1'), message))
})

describe('a file cut off anywhere', () => {
  const oddWebp = async (): Promise<Uint8Array> => {
    const [picture] = listWebpChunks(await createPicture().webp().toBuffer())
    const { type, data } = picture!
    // One more byte behind a sound picture, as some writers have it, makes its length odd.
    return createWebp(createWebpChunk(type, data.length % 2 === 0 ? Buffer.concat([data, Buffer.of(0)]) : data))
  }

  test.each(
    Object.entries<() => Promise<Uint8Array>>({
      PNG: () => createPicture().png({ palette: true }).toBuffer(),
      JPEG: () => createPicture().jpeg().toBuffer(),
      'progressive JPEG': () => createPicture().jpeg({ progressive: true }).toBuffer(),
      'JPEG with metadata': samples['JPEG of orientation 6']!,
      GIF: () => createPicture().gif().toBuffer(),
      'GIF in motion': async () => (await createFrames()).gif().toBuffer(),
      WebP: async () => {
        const [picture] = listWebpChunks(await createPicture().webp({ lossless: true }).toBuffer())
        return createWebp(createWebpChunk(picture!.type, picture!.data.subarray(0, picture!.data.length & -2)))
      },
      'WebP in motion': async () => (await createFrames()).webp().toBuffer(),
    }),
  )('%s', async (name, create) => {
    const file = await create()
    expect(() => strip(file)).not.toThrow()
    const message = new RegExp(
      `^The file is (a truncated ${name.match(/PNG|JPEG|GIF|WebP/)![0]}; send the whole|no image)`,
    )
    for (let length = 1; length < file.length; length += 1) expectRefused(file.subarray(0, length), message)
  })

  test('WebP of odd length: the padding alone may be missing, and is there again', async () => {
    const file = await oddWebp()
    expect(Buffer.from(strip(file.subarray(0, -1))).equals(file)).toBe(true)
    for (let length = 1; length < file.length - 1; length += 1) {
      expectRefused(file.subarray(0, length), /^The file is (a truncated WebP|no image)/)
    }
  })
})

describe('PNG', () => {
  const spec = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
  const rows = Uint8Array.of(0, 0)
  const png = createPng(spec, rows)
  const [ihdr, idat, iend] = [png.subarray(8, 33), png.subarray(33, -12), png.subarray(-12)]
  const join = (...chunks: Uint8Array[]) => Buffer.concat([pngSignature, ...chunks])
  const palette = { ...spec, colourType: 3 }

  test('is taken where it is sound', () => expect(strip(png)).toBe(png))

  test('of a wrong checksum in any chunk', async () => {
    const file = await samples['PNG of orientation 6']!()
    let chunks = 0
    for (let at = 8; at < file.length - zip.length; ) {
      const end = at + 12 + Buffer.from(file).readUInt32BE(at)
      for (const place of [end - 1, end - 4]) {
        const broken = Uint8Array.from(file)
        broken[place]! ^= 1
        expectRefused(broken, /is a PNG with a wrong checksum in its [A-Za-z]{4} chunk; send a sound file/)
      }
      chunks += 1
      at = end
    }
    expect(chunks).toBeGreaterThan(8)
  })

  test.each<[string, Uint8Array, RegExp]>([
    ['without IHDR in front', join(createChunk('tEXt'), ihdr, idat, iend), /does not begin with an IHDR/],
    ['with two IHDR', join(ihdr, ihdr, idat, iend), /two IHDR/],
    [
      'with a long IHDR',
      join(createChunk('IHDR', Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 9])), idat, iend),
      /IHDR chunk of impossible length/,
    ],
    ['without IDAT', join(ihdr, iend), /without picture data/],
    ['with nothing in IDAT', join(ihdr, createChunk('IDAT'), iend), /without picture data/],
    ['with IDAT in two places', join(ihdr, idat, createChunk('tEXt'), idat, iend), /not together/],
    ['without its palette', createPng(palette, rows), /without the palette/],
    [
      'with its palette behind',
      join(createIhdr(palette), idat, createChunk('PLTE', rows), iend),
      /without the palette/,
    ],
    [
      'with a palette of two bytes',
      createPng(palette, rows, [createChunk('PLTE', Buffer.alloc(2))]),
      /palette of impossible/,
    ],
    ['with an empty palette', createPng(palette, rows, [createChunk('PLTE')]), /palette of impossible/],
    ['with 257 colours', createPng(palette, rows, [createChunk('PLTE', Buffer.alloc(771))]), /palette of impossible/],
    [
      'with two palettes',
      createPng(palette, rows, [createChunk('PLTE', Buffer.alloc(3)), createChunk('PLTE', Buffer.alloc(3))]),
      /two palettes/,
    ],
    [
      'with a palette behind its picture',
      join(createIhdr({ ...spec, colourType: 2 }), idat, createChunk('PLTE', Buffer.alloc(3)), iend),
      /behind its picture/,
    ],
    [
      'with an unknown critical chunk',
      insertChunks(png, [createChunk('CgBI')], []),
      /critical chunk CgBI that is not known/,
    ],
    ['with something in IEND', join(ihdr, idat, createChunk('IEND', zip)), /IEND chunk that is not empty/],
    ['with junk for a chunk', join(ihdr, idat, Buffer.from('\0\0\0\0<b>\0\0\0\0'), iend), /no chunk behind its IDAT/],
    ['of no width', createPng({ ...spec, width: 0 }, rows), /0 x 1 pixels/],
    ['of no height', createPng({ ...spec, height: 0 }, rows), /1 x 0 pixels/],
    ['of impossible width', createPng({ ...spec, width: 0x80000000 }, rows), /2147483648 x 1 pixels/],
    ['of an impossible depth', createPng({ ...spec, bitDepth: 3 }, rows), /do not go together/],
    ['of an unknown interlacing', createPng({ ...spec, interlace: 2 }, rows), /unknown compression/],
  ])('%s', (_, file, message) => expectRefused(file, message))
})
