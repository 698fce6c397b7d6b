/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [red: number, green: number, blue: number]

/** Reads `#rrggbb`. */
export function readHex(text: string): Rgb {
  const value = Number.parseInt(text.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

/** What lies between two colours: 0 is the first, 1 the second. */
export const mix = (one: Rgb, other: Rgb, share: number): Rgb => [
  one[0] + (other[0] - one[0]) * share,
  one[1] + (other[1] - one[1]) * share,
  one[2] + (other[2] - one[2]) * share,
]

/** A colour by its hue (0 to 1), saturation and lightness (0 to 1). */
export function createColour(hue: number, saturation: number, lightness: number): Rgb {
  const swing = saturation * Math.min(lightness, 1 - lightness)
  const pick = (shift: number): number => {
    const place = (shift + hue * 12) % 12
    return 255 * (lightness - swing * Math.max(-1, Math.min(place - 3, 9 - place, 1)))
  }
  return [pick(0), pick(8), pick(4)]
}

const white: Rgb = [255, 255, 255]
const black: Rgb = [18, 16, 28]

/** Nearer to white. */
export const lighten = (colour: Rgb, share: number): Rgb => mix(colour, white, share)

/** Nearer to a black that is a little blue, as shadows are. */
export const darken = (colour: Rgb, share: number): Rgb => mix(colour, black, share)
