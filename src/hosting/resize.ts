import type { Orientation } from '../images/facts.ts'

/** The formats in which a variant can be asked for. */
export const variantFormats = ['png', 'webp', 'jpeg'] as const

export type VariantFormat = (typeof variantFormats)[number]

/** How a variant fills the box it is asked for: whole inside it, or over all of it with the rest cut off. */
export const variantFits = ['contain', 'cover'] as const

/** What a variant should be. Sides are whole, positive and count upright pixels; null leaves a side to the ratio. */
export interface VariantOptions {
  readonly width: number | null
  readonly height: number | null
  readonly fit: (typeof variantFits)[number]
  readonly format: VariantFormat
}

/** The hosted image that a variant is made of, as its header says. */
export interface VariantSource {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp'
  /** As stored, before orientation. */
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
}

/** Most pixels of a source: the "4 MP" of the contract. What an isolate's memory holds, decoded and encoded again. */
export const maxVariantPixels = 4_000_000

/** Longest side of a source. JPEG and GIF have no longer one, and WebP a quarter of it. */
export const maxVariantSide = 65_535

/** Longest side that each format can write so that others read it: RFC 9649, 2.7; libjpeg's; PNG 3rd edition, 11.2.1. */
const maxSides: Readonly<Record<VariantFormat, number>> = { webp: 16_383, jpeg: 65_500, png: 2 ** 31 - 1 }

/** What part of the upright source becomes an upright variant of which size. */
export interface VariantPlan {
  readonly width: number
  readonly height: number
  /** Pixels of the upright source; its sides need not be whole. */
  readonly crop: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
}

interface Size {
  readonly width: number
  readonly height: number
}

/** The box, rounded to whole pixels, after all of it was multiplied. */
const scale = ({ width, height }: Size, factor: number): Size => ({
  width: Math.max(1, Math.round(width * factor)),
  height: Math.max(1, Math.round(height * factor)),
})

function planCover(source: Size, wanted: Size): VariantPlan {
  const box = scale(wanted, Math.min(1, source.width / wanted.width, source.height / wanted.height))
  const step = Math.min(source.width / box.width, source.height / box.height)
  const [width, height] = [box.width * step, box.height * step]
  // Whole, so that what is only cut stays as sharp as it was.
  const x = Math.max(0, Math.floor((source.width - width) / 2))
  const y = Math.max(0, Math.floor((source.height - height) / 2))
  return { ...box, crop: { x, y, width, height } }
}

/**
 * Size and crop of a variant, never larger than its source. `contain`, and either fit with one side alone: the largest
 * size of the source's ratio within the box. `cover`: the box itself, made smaller in its own ratio until the source
 * covers it, cut from the middle. Without a box the source's own size, or what the format can hold of it.
 */
export function planVariant(source: Omit<VariantSource, 'format'>, options: VariantOptions): VariantPlan {
  const swaps = source.orientation >= 5
  const upright = swaps
    ? { width: source.height, height: source.width }
    : { width: source.width, height: source.height }
  const most = maxSides[options.format]
  const box = { width: Math.min(options.width ?? most, most), height: Math.min(options.height ?? most, most) }
  if (options.fit === 'cover' && options.width !== null && options.height !== null) return planCover(upright, box)
  const size = scale(upright, Math.min(1, box.width / upright.width, box.height / upright.height))
  return { ...size, crop: { x: 0, y: 0, ...upright } }
}

/**
 * A variant, or why there is none: `undecodable` (the file is damaged, and will be the next time), `too_large` (more
 * pixels or a longer side than a source may have), `busy` (others were before it: try again after so many seconds).
 */
export type VariantResult =
  | {
      readonly ok: true
      readonly bytes: Uint8Array<ArrayBuffer>
      readonly contentType: `image/${VariantFormat}`
      readonly width: number
      readonly height: number
    }
  | { readonly ok: false; readonly code: 'undecodable' | 'too_large' }
  | { readonly ok: false; readonly code: 'busy'; readonly retryAfter: number }

/**
 * Variants of hosted images: the RPC contract between the gateway and the Worker that holds the pixels. Failures are
 * values, since thrown errors lose their type on the way through RPC.
 */
export interface ResizeService {
  /** Makes one variant of a whole image file of `bytes` bytes: upright, in sRGB, without any metadata. */
  resize(
    image: ReadableStream<Uint8Array>,
    bytes: number,
    source: VariantSource,
    options: VariantOptions,
  ): Promise<VariantResult>
  /** Answers, without loading a codec. */
  ping(): Promise<void>
}
