import {
  maxVariantPixels,
  maxVariantSide,
  planVariant,
  type VariantFormat,
  type VariantOptions,
  type VariantResult,
  type VariantSource,
} from '../../src/hosting/resize.ts'
import type { Orientation } from '../../src/images/facts.ts'
import { convertToSrgb } from '../matte/colour.ts'
import { free, orient } from '../matte/picture.ts'
import type { Photon, Pixels } from './photon.ts'
import { readPicture } from './picture-data.ts'
import { encodePng } from './png.ts'
import { resample } from './resample.ts'

/** The orientation that undoes another: all but the two quarter turns undo themselves. */
const undo = (orientation: Orientation): Orientation => (orientation === 6 ? 8 : orientation === 8 ? 6 : orientation)

/** The variant's pixels, upright, in the source's colours. */
function render(source: Pixels, orientation: Orientation, options: VariantOptions): Pixels {
  const { width, height, crop } = planVariant({ ...source, orientation }, options)
  const swaps = orientation >= 5
  // Cut from the middle, so that a mirrored source is cut at the same place.
  const stored = swaps ? { x: crop.y, y: crop.x, width: crop.height, height: crop.width } : crop
  const pixels = new Uint8Array(width * height * 4)
  resample(source, stored, orient({ pixels, width, height, hasAlpha: true }, undo(orientation)))
  return { pixels, width, height }
}

/** Lays pixels on white, for a format without alpha. */
function flatten(pixels: Uint8Array): void {
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = pixels[i + 3]!
    if (alpha === 255) continue
    for (let c = i; c < i + 3; c += 1) pixels[c] = Math.round((pixels[c]! * alpha + 255 * (255 - alpha)) / 255)
    pixels[i + 3] = 255
  }
}

const encoders: Readonly<Record<VariantFormat, (variant: Pixels, photon: Photon) => Uint8Array<ArrayBuffer>>> = {
  png: (variant) => encodePng(variant),
  webp: (variant, photon) => photon.encode(variant, 'webp'),
  jpeg(variant, photon) {
    flatten(variant.pixels)
    return photon.encode(variant, 'jpeg')
  },
}

/** Makes one variant of a whole file, whose buffer may be gone afterwards. One at a time. */
export function createVariant(
  file: Uint8Array,
  source: VariantSource,
  options: VariantOptions,
  photon: Photon,
): VariantResult {
  const data = readPicture(file, source.format)
  // What the caller was told of another file says nothing about this one.
  if (!data || data.width !== source.width || data.height !== source.height) return { ok: false, code: 'undecodable' }
  const { width, height, profile } = data
  if (width * height > maxVariantPixels || Math.max(width, height) > maxVariantSide) {
    return { ok: false, code: 'too_large' }
  }
  const variant = photon.decode(
    data.parts,
    (stored) =>
      stored.width === width && stored.height === height ? render(stored, source.orientation, options) : null,
    // A profile's curves may be views of it.
    () => typeof profile === 'string' && free(file),
  )
  if (!variant) return { ok: false, code: 'undecodable' }
  convertToSrgb(variant.pixels, profile, data.isGrey)
  const bytes = encoders[options.format](variant, photon)
  return { ok: true, bytes, contentType: `image/${options.format}`, width: variant.width, height: variant.height }
}
