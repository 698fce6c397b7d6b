/**
 * What a caller may choose, after validation, with every default filled in. All text: options are hashed and compared.
 */
export interface MatteOptions {
  readonly format: 'png' | 'webp'
  /** `mask`: the alpha alone, as a grey PNG. */
  readonly output: 'cutout' | 'mask'
  /** Colour behind the foreground, `rrggbb` in lower case; empty for none. */
  readonly bg: string
  readonly crop: 'true' | 'false'
  /** Space around the foreground when cropping, such as `20px` or `5%`. */
  readonly margin: string
  /** Soft edges as they are seen, or following the picture and without the ground that shines through. */
  readonly refine: 'none' | 'decontaminate'
  /** `fast` is the edge's model, `best` the Container's, `auto` whatever fits the picture. */
  readonly quality: 'auto' | 'fast' | 'best'
  /** Id of one of the models that the operator lets callers choose of; only where somebody chose. */
  readonly model?: string
}

/** What a caller gets who asks for nothing. */
export const defaultMatteOptions: MatteOptions = {
  format: 'png',
  output: 'cutout',
  bg: '',
  crop: 'false',
  margin: '0px',
  refine: 'decontaminate',
  quality: 'auto',
}

/**
 * Doubt of the edge's matte above which `quality=auto` asks the Container: chosen from the curve of quality against the
 * share of pictures that go on (docs/benchmarks.md, "The cascade").
 */
export const defaultMostDoubt = 0.4

interface Margin {
  readonly value: number
  readonly unit: 'px' | '%'
}

/** `20px`, `20` or `5%`; null for anything else. */
export function readMargin(text: string): Margin | null {
  const [, number, unit = 'px'] = /^(\d{1,5}(?:\.\d{1,3})?)(px|%)?$/.exec(text) ?? []
  return number === undefined ? null : { value: Number(number), unit: unit as Margin['unit'] }
}

/** Pixels of a margin around a box of this longer side. */
export function measureMargin(text: string, longerSide: number): number {
  const margin = readMargin(text)
  if (!margin) return 0
  return Math.round(margin.unit === '%' ? (longerSide * margin.value) / 100 : margin.value)
}

/** Red, green and blue of `rrggbb`; null for none. */
export function readColour(bg: string): readonly [number, number, number] | null {
  if (bg === '') return null
  const value = Number.parseInt(bg, 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}
