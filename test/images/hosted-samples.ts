import sharp, { type Sharp } from 'sharp'
import {
  createExtension,
  createSecretSegments,
  createSegment,
  createXmpExtension,
  insertBlocks,
  insertSecretChunks,
  insertSecretWebpChunks,
  insertSegments,
  motionVideo,
  zip,
} from './metadata-writer.ts'

const width = 33
const height = 21

/** Noise that is the same every time, with alpha where asked. */
export function createPicture(channels: 3 | 4 = 3, seed = 1): Sharp {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state >> 16
  }
  return sharp(Buffer.from(Array.from({ length: width * height * channels }, next)), {
    raw: { width, height, channels },
  })
}

/** Three pictures in a row. */
export async function createFrames(): Promise<Sharp> {
  const frames = await Promise.all([1, 2, 3].map((seed) => createPicture(3, seed).png().toBuffer()))
  return sharp(frames, { join: { animated: true } })
}

type Create = () => Promise<Uint8Array>

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const png = async (picture: Sharp, options = {}, orientation = 6) =>
  joined(insertSecretChunks(await picture.png(options).toBuffer(), orientation), zip)
const jpeg = async (picture: Sharp, options = {}, orientation = 6) =>
  insertSegments(await picture.jpeg(options).toBuffer(), ...createSecretSegments(orientation))
const webp = async (picture: Sharp, options = {}, orientation = 6) =>
  joined(insertSecretWebpChunks(await picture.webp(options).toBuffer(), [width, height], orientation), zip)
const gif = async (picture: Sharp) =>
  joined(
    insertBlocks(
      await picture.gif({ loop: 3, delay: 70 }).toBuffer(),
      createExtension(0xfe, 'secret-comment', 'secret-comment'),
      createXmpExtension(),
      createExtension(0x01, Buffer.alloc(12), 'secret-text'),
      createExtension(0xff, 'SECRETS-1.0', 'secret-maker'),
      createExtension(0x77, 'secret-maker'),
    ),
    zip,
  )

/** An Adobe segment that says RGB, with more in it than it has to say. */
const longAdobe = createSegment(0xee, 'Adobe\0\x64\0\0\0\0\0', 'secret-maker')
const jfifThumbnail = createSegment(0xe0, 'JFIF\0\x01\x02\x01\0\x60\0\x60\x01\x01', 'sec')

const orientations = Object.fromEntries(
  [1, 2, 3, 4, 5, 6, 7, 8].flatMap((orientation): [string, Create][] => [
    [`JPEG of orientation ${orientation}`, () => jpeg(createPicture(), {}, orientation)],
    [`PNG of orientation ${orientation}`, () => png(createPicture(), {}, orientation)],
    [`WebP of orientation ${orientation}`, () => webp(createPicture(), {}, orientation)],
  ]),
)

/** Small sound files with every kind of metadata, whose texts all begin with `secret-`. */
export const samples: Readonly<Record<string, Create>> = {
  ...orientations,
  'PNG of 16 bits': () => png(createPicture(4).toColourspace('rgb16')),
  'PNG with a palette': () => png(createPicture(), { palette: true, colours: 16 }),
  'PNG, interlaced': () => png(createPicture(4), { progressive: true }),
  'PNG in grey': () => png(createPicture().toColourspace('b-w')),
  'PNG in Display P3': () => png(createPicture().withIccProfile('p3')),
  'PNG with a density': () => png(createPicture().withMetadata({ density: 300 })),
  'JPEG, progressive': () => jpeg(createPicture(), { progressive: true }),
  'JPEG in CMYK': () => jpeg(createPicture().toColourspace('cmyk')),
  'JPEG in grey': () => jpeg(createPicture().toColourspace('b-w')),
  'JPEG in Display P3': () => jpeg(createPicture().withIccProfile('p3')),
  'JPEG with a density': () => jpeg(createPicture().withMetadata({ density: 300 })),
  'JPEG with a video behind it': async () => joined(await jpeg(createPicture()), motionVideo),
  'JPEG with a second picture behind it': async () =>
    joined(await jpeg(createPicture()), await jpeg(createPicture(3, 2)), zip),
  'JPEG with metadata between its scans': async () => {
    const bytes = await jpeg(createPicture(), { progressive: true })
    const second = bytes.indexOf(Buffer.from([0xff, 0xc4]), bytes.indexOf(Buffer.from([0xff, 0xda])))
    const comment = createSegment(0xfe, 'secret-comment')
    return joined(bytes.subarray(0, second), comment, createSecretSegments(3)[0]!, bytes.subarray(second))
  },
  'JPEG with a thumbnail in JFIF, behind EXIF': async () =>
    insertSegments(
      await createPicture().jpeg().toBuffer(),
      ...createSecretSegments(8),
      jfifThumbnail,
      ...createSecretSegments(3),
    ),
  'JPEG in RGB by a long Adobe segment': async () =>
    insertSegments(
      await createPicture().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
      ...createSecretSegments(1),
      longAdobe,
    ),
  'JPEG with fill bytes': async () => {
    const bytes = await jpeg(createPicture())
    return joined(
      bytes.subarray(0, 2),
      Buffer.alloc(99, 0xff),
      bytes.subarray(2, -2),
      Buffer.from([255, 255, 255, 217]),
    )
  },
  'WebP without loss': () => webp(createPicture(), { lossless: true }),
  'WebP with alpha': () => webp(createPicture(4)),
  'WebP without loss, with alpha': () => webp(createPicture(4), { lossless: true }),
  'WebP in Display P3': () => webp(createPicture().withIccProfile('p3')),
  'WebP in motion': async () => webp(await createFrames(), { loop: 3, delay: 70 }),
  'WebP with metadata that it does not announce': async () => {
    const bytes = await webp(createPicture())
    bytes[20] = 0
    return bytes
  },
  GIF: () => gif(createPicture()),
  'GIF with a hole': () => gif(createPicture(4)),
  'GIF in motion': async () => gif(await createFrames()),
}
