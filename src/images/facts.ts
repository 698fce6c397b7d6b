/** EXIF orientation (EXIF 3.0, 4.6.5.1.6): 1 is upright, 5 to 8 swap width and height. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** Linear light of a stored value, both 0 to 1. */
export type Curve = (value: number) => number

type Row = readonly [number, number, number]
/** Three by three numbers. */
export type Matrix = readonly [Row, Row, Row]

/** Colours that curves and a matrix bring to XYZ under D50 (ICC.1:2022, 8.3.3). */
export interface RgbProfile {
  readonly kind: 'rgb'
  /** Of red, green and blue. */
  readonly curves: readonly [Curve, Curve, Curve]
  /** X, Y and Z of full red, of full green and of full blue. */
  readonly columns: Matrix
}

/** Greys that a curve brings to linear light (8.3.4). */
export interface GreyProfile {
  readonly kind: 'grey'
  readonly curve: Curve
}

/**
 * A colour profile: `srgb` for every profile that means sRGB (or its grey), one that can be converted to it, or
 * `foreign` for any other.
 */
export type Profile = 'none' | 'srgb' | 'foreign' | RgbProfile | GreyProfile

interface CommonFacts {
  /** As stored, before orientation; may be 0 where the file says so. */
  readonly width: number
  readonly height: number
  readonly orientation: Orientation
  readonly profile: Profile
  readonly animated: boolean
}

export interface PngHeader extends CommonFacts {
  readonly format: 'png'
  readonly bitDepth: 1 | 2 | 4 | 8 | 16
  /** PNG 3rd edition, 11.2.1: 0 grey, 2 truecolour, 3 palette, 4 grey with alpha, 6 truecolour with alpha. */
  readonly colourType: 0 | 2 | 3 | 4 | 6
  readonly interlaced: boolean
}

export interface JpegHeader extends CommonFacts {
  readonly format: 'jpeg'
  /** From the frame header (ITU-T T.81, table B.1). */
  readonly coding: 'baseline' | 'progressive' | 'lossless' | 'arithmetic' | 'hierarchical'
  /** Bits of a sample. */
  readonly precision: number
  /** 1 grey, 3 colour, 4 CMYK or YCCK. */
  readonly components: number
}

export interface WebpHeader extends CommonFacts {
  readonly format: 'webp'
  readonly lossless: boolean
}

/** Facts that stand in a file's header. Facts behind the bytes at hand have their plainest value. */
export type ImageHeader = PngHeader | JpegHeader | WebpHeader

/**
 * What a format's reader answers: facts; `incomplete` if width and height lie behind the bytes given; or `broken` with
 * what is wrong, as the end of a sentence that begins with "The image".
 */
export type HeaderResult = ImageHeader | 'incomplete' | { readonly broken: string }
