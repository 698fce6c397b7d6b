import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import sharp from 'sharp'
import { readCheckedHeader } from '../../src/images/check-image.ts'
import { sniffKind } from '../../src/images/sniff.ts'
import { decodeImage } from '../../workers/container/decode.ts'
import { Workplace } from '../../workers/container/workplace.ts'
import { orient, type Picture } from '../../workers/matte/picture.ts'
import { type AlphaPlane, readPlane } from './plane.ts'

const formats = ['png', 'jpeg', 'webp'] as const

/**
 * A photograph as the Container sees it: decoded by its own code, upright, in sRGB.
 * @throws ApiError `invalid_image` if the product does not take it; Error if it is no PNG, JPEG or WebP
 */
export async function readPicture(path: string): Promise<Picture> {
  const file = new Uint8Array(await readFile(path))
  const format = formats.find((known) => known === sniffKind(file))
  if (!format) throw new Error('this is no PNG, JPEG or WebP')
  const workplace = await Workplace.open(tmpdir(), { leave: () => {} }, new AbortController().signal)
  try {
    const raster = await decodeImage(file, readCheckedHeader(file, format), workplace)
    const { width, height, hasAlpha } = raster
    const pixels = raster.readBox({ x: 0, y: 0, width, height })
    return orient({ pixels, width, height, hasAlpha }, 1)
  } finally {
    await workplace.end()
  }
}

/** A mask: its alpha where it has one that says something, else its brightness. */
export async function readTruth(path: string): Promise<AlphaPlane> {
  const open = () => sharp(path).autoOrient()
  const { hasAlpha } = await sharp(path).metadata()
  const isCutOut = hasAlpha && !(await sharp(path).stats()).isOpaque
  const plane = isCutOut ? open().extractChannel('alpha') : open().flatten().toColourspace('b-w').extractChannel(0)
  const { data, info } = await plane.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  return readPlane(data, info.width, info.height)
}
