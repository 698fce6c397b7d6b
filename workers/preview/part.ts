import { darken, lighten, type Rgb } from './colour.ts'
import { cross, type Shape } from './shapes.ts'

/** The colour of a thing, and what goes with it. */
export interface Colours {
  readonly main: Rgb
  readonly dark: Rgb
  readonly light: Rgb
}

/** A shape in its colour. Parts are painted in order, later ones over earlier ones. */
export interface Part {
  readonly shape: Shape
  readonly colour: Rgb
  /** How far from its edge a shape is rounded; 0 is flat. Below 0: how far from its edge it fades out. */
  readonly bevel: number
  /** The shape whose rounding this one shares, as a stripe that of its ball; its own unless it says so. */
  readonly form: Shape
  /** How much of what is behind it is hidden. */
  readonly alpha: number
  /** Grain, as fur and bark have it: 0 is smooth. */
  readonly grain: number
  /** Shines by itself: no shade, and night does not darken it. */
  readonly shines: boolean
}

/**
 * A thing to paint: it stands on the middle of its base (0, 0), is about 1 high, and y grows downwards. `random` is for
 * what may differ from one such thing to the next.
 */
export type Drawing = (colours: Colours, random: () => number) => readonly Part[]

/** A rounded part, unless told otherwise. */
export const part = (shape: Shape, colour: Rgb, options: Partial<Part> = {}): Part => ({
  ...{ bevel: 0.08, form: shape, alpha: 1, grain: 0, shines: false },
  ...options,
  shape,
  colour,
})

/** A part that is painted onto another shape, and rounded as that is. */
export const partOn = (form: Shape, shape: Shape, colour: Rgb, options: Partial<Part> = {}): Part =>
  part(cross(form, shape), colour, { ...options, form })

/** Shades of a thing's colour. */
export const createColours = (main: Rgb): Colours => ({
  main,
  dark: darken(main, 0.5),
  light: lighten(main, 0.62),
})
