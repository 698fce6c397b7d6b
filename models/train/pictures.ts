import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'

/** Longer side of whatever is kept for training. */
export const keptSide = 512

/** Eight-bit samples, `channels` a pixel. */
export interface Plane {
  readonly data: Buffer
  readonly width: number
  readonly height: number
}

/** A picture's size with its longer side at most `side`; never enlarged. */
export function fitSize(width: number, height: number, side = keptSide): { width: number; height: number } {
  const scale = Math.min(1, side / Math.max(width, height))
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }
}

/** An upright sRGB picture without alpha: what is transparent is seen on white. */
export const openPhoto = (file: Buffer): Sharp =>
  sharp(file, { failOn: 'error' }).autoOrient().toColourspace('srgb').flatten({ background: '#fff' }).removeAlpha()

export async function readPlane(picture: Sharp): Promise<Plane> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}

/** A plane of alpha as a picture. */
export const openAlpha = ({ data, width, height }: Plane): Sharp => sharp(data, { raw: { width, height, channels: 1 } })

/** A plane of alpha as a grey PNG. */
export const encodeAlpha = (alpha: Plane): Promise<Buffer> => openAlpha(alpha).toColourspace('b-w').png().toBuffer()

/** Alpha at another size. */
export async function resizeAlpha(alpha: Plane, width: number, height: number): Promise<Plane> {
  if (alpha.width === width && alpha.height === height) return alpha
  return readPlane(openAlpha(alpha).resize(width, height, { fit: 'fill', kernel: 'lanczos3' }).extractChannel(0))
}

/** Files of training data: each is whole as soon as it has its name. */
export class Cache {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  async write(path: string, content: Buffer): Promise<void> {
    const target = join(this.folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(`${target}.part`, content)
    await rename(`${target}.part`, target)
  }

  /** A photograph and its matte, which must be of its size or larger. The photograph comes last: then both are there. */
  async writePair(source: string, id: string, photo: Sharp, alpha: Plane): Promise<void> {
    const seen = photo.resize(keptSide, keptSide, { fit: 'inside', withoutEnlargement: true })
    const { data, info } = await seen.jpeg({ quality: 94 }).toBuffer({ resolveWithObject: true })
    const matte = await resizeAlpha(alpha, info.width, info.height)
    await this.write(`pairs/${source}/${id}.png`, await encodeAlpha(matte))
    await this.write(`pairs/${source}/${id}.jpg`, data)
  }

  /** A picture with alpha, cropped to what is to be seen of it. Answers whether there was enough. */
  async writeCutOut(source: string, id: string, picture: Sharp, shadowBelow = 0): Promise<boolean> {
    const { data, width, height } = await readPlane(picture.toColourspace('srgb').ensureAlpha())
    let [left, right, top, bottom] = [width, 0, height, 0]
    for (let i = 0; i < width * height; i += 1) {
      const alpha = data[i * 4 + 3]!
      if (alpha < shadowBelow) data[i * 4 + 3] = 0
      if (alpha <= 8 || alpha < shadowBelow) continue
      const [x, y] = [i % width, Math.floor(i / width)]
      left = Math.min(left, x)
      right = Math.max(right, x + 1)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y + 1)
    }
    if (right - left < 48 || bottom - top < 48) return false
    const cutOut = sharp(data, { raw: { width, height, channels: 4 } })
      .extract({ left, top, width: right - left, height: bottom - top })
      .resize(keptSide, keptSide, { fit: 'inside', withoutEnlargement: true })
    await this.write(`cutouts/${source}/${id}.png`, await cutOut.png().toBuffer())
    return true
  }

  async writeGround(source: string, id: string, picture: Sharp): Promise<void> {
    const seen = picture.resize(keptSide, keptSide, { fit: 'inside', withoutEnlargement: true })
    await this.write(`grounds/${source}/${id}.jpg`, await seen.jpeg({ quality: 94 }).toBuffer())
  }
}
