import { ApiError } from '../../src/errors.ts'
import type { PngHeader } from '../../src/images/facts.ts'
import { planPasses } from './png-passes.ts'

const broken = (what: string): ApiError =>
  new ApiError('invalid_image', { message: `The image is a damaged PNG (${what}); send a sound file.` })

/** Samples of a pixel, by colour type (PNG 3rd edition, 11.2.1). */
const channels: Readonly<Record<PngHeader['colourType'], number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner)
  const toAbove = Math.abs(left - corner)
  const toCorner = Math.abs(left + above - 2 * corner)
  if (toLeft <= toAbove && toLeft <= toCorner) return left
  return toAbove <= toCorner ? above : corner
}

/**
 * Undoes each filter type in place (9.2): `row` holds filtered bytes, `above` the row before, zeros for the first one;
 * `step` is the distance to the same byte of the pixel on the left.
 */
const unfilters: readonly ((row: Uint8Array, above: Uint8Array, step: number) => void)[] = [
  () => {},
  (row, _above, step) => {
    for (let i = step; i < row.length; i += 1) row[i] = row[i]! + row[i - step]!
  },
  (row, above) => {
    for (let i = 0; i < row.length; i += 1) row[i] = row[i]! + above[i]!
  },
  (row, above, step) => {
    for (let i = 0; i < row.length; i += 1) {
      const left = i >= step ? row[i - step]! : 0
      row[i] = row[i]! + ((left + above[i]!) >> 1)
    }
  },
  (row, above, step) => {
    for (let i = 0; i < step && i < row.length; i += 1) row[i] = row[i]! + above[i]!
    for (let i = step; i < row.length; i += 1) {
      row[i] = row[i]! + paeth(row[i - step]!, above[i]!, above[i - step]!)
    }
  },
]

/** Spreads samples of 1, 2 or 4 bits (high bits first, 7.2) to a byte each. */
function unpack(packed: Uint8Array, bitDepth: number, samples: Uint8Array): void {
  const mask = (1 << bitDepth) - 1
  const perByte = 8 / bitDepth
  for (let i = 0; i < samples.length; i += 1) {
    const shift = 8 - bitDepth * ((i % perByte) + 1)
    samples[i] = (packed[Math.floor(i / perByte)]! >> shift) & mask
  }
}

/** Narrows samples of 16 bits, big-endian, to 8, to the nearest (13.12). */
function narrow(wide: Uint8Array, samples: Uint8Array): void {
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] = (((wide[i * 2]! << 8) | wide[i * 2 + 1]!) * 255 + 32767) / 65535
  }
}

/** Clears the alpha of each pixel of a row that is the transparent colour, compared at its full 16 bits (11.3.1.1). */
function applyWideKey(wide: Uint8Array, key: Uint8Array, pixels: Uint8Array, at: number): void {
  for (let from = 0, to = at + 3; from < wide.length; from += key.length, to += 4) {
    if (key.every((byte, i) => wide[from + i] === byte)) pixels[to] = 0
  }
}

/** Writes one row of samples, a byte each, as RGBA into `pixels` from `at`. */
type Expand = (samples: Uint8Array, pixels: Uint8Array, at: number) => void

/** RGBA of each sample of a one-channel picture: the palette's (12.5), or grey scaled to 8 bits (13.12). */
function createLookup(header: PngHeader, palette: Uint8Array | undefined, transparency: Uint8Array | undefined) {
  const lookup = new Uint8Array(256 * 4)
  // Wide samples are narrowed before.
  const top = (1 << Math.min(8, header.bitDepth)) - 1
  // Bits above the depth mean nothing (11.3.1.1).
  const key = transparency && transparency.length >= 2 ? (transparency[0]! << 8) | transparency[1]! : -1
  const transparentGrey = key >= 0 && header.bitDepth <= 8 ? key & top : key
  for (let sample = 0; sample < 256; sample += 1) {
    if (header.colourType === 3) {
      // An index that the palette does not have is opaque black, as in libpng.
      for (let c = 0; c < 3; c += 1) lookup[sample * 4 + c] = palette?.[sample * 3 + c] ?? 0
      lookup[sample * 4 + 3] = transparency?.[sample] ?? 255
    } else {
      lookup.fill((sample * 255) / top, sample * 4, sample * 4 + 3)
      lookup[sample * 4 + 3] = sample === transparentGrey ? 0 : 255
    }
  }
  return lookup
}

const isPlain = (colourType: number): boolean => colourType === 0 || colourType === 3

function createExpand(header: PngHeader, palette?: Uint8Array, transparency?: Uint8Array): Expand {
  if (isPlain(header.colourType)) {
    const lookup = createLookup(header, palette, transparency)
    return (samples, pixels, at) => {
      for (let i = 0, to = at; i < samples.length; i += 1, to += 4) {
        const from = samples[i]! * 4
        pixels[to] = lookup[from]!
        pixels[to + 1] = lookup[from + 1]!
        pixels[to + 2] = lookup[from + 2]!
        pixels[to + 3] = lookup[from + 3]!
      }
    }
  }
  if (header.colourType === 6) return (samples, pixels, at) => pixels.set(samples, at)
  if (header.colourType === 4) {
    return (samples, pixels, at) => {
      for (let i = 0, to = at; i < samples.length; i += 2, to += 4) {
        pixels[to] = samples[i]!
        pixels[to + 1] = samples[i]!
        pixels[to + 2] = samples[i]!
        pixels[to + 3] = samples[i + 1]!
      }
    }
  }
  const key = transparency && transparency.length >= 6 ? [transparency[1]!, transparency[3]!, transparency[5]!] : null
  return (samples, pixels, at) => {
    for (let i = 0, to = at; i < samples.length; i += 3, to += 4) {
      const red = samples[i]!
      const green = samples[i + 1]!
      const blue = samples[i + 2]!
      pixels[to] = red
      pixels[to + 1] = green
      pixels[to + 2] = blue
      pixels[to + 3] = key && red === key[0] && green === key[1] && blue === key[2] ? 0 : 255
    }
  }
}

/** Takes a PNG's inflated bytes in pieces of any size and fills `pixels` with RGBA, row by row. Holds two rows. */
export interface RowReader {
  readonly pixels: Uint8Array<ArrayBuffer>
  /** Takes the next bytes; answers true once every row is complete. Throws ApiError on an unknown filter type. */
  push(bytes: Uint8Array): boolean
}

/** A reader for a picture of any depth, colour type and interlacing. PLTE and tRNS data as the file has them. */
export function createRowReader(header: PngHeader, palette?: Uint8Array, transparency?: Uint8Array): RowReader {
  const { width, height, bitDepth, colourType } = header
  const perPixel = channels[colourType]
  const step = Math.max(1, (perPixel * bitDepth) >> 3)
  const isWide = bitDepth === 16
  const wideKey = isWide && transparency?.length === perPixel * 2 ? transparency : null
  const expand = createExpand(header, palette, isWide ? undefined : transparency)
  const pixels = new Uint8Array(width * height * 4)
  const passes = planPasses(header)
  const scattered = header.interlaced ? new Uint8Array(width * 4) : null
  let pass = passes[0]!
  let passAt = 0
  let row = new Uint8Array(0)
  let above = row
  let samples: Uint8Array | null = null
  let filter = -1
  let filled = 0
  let y = 0

  const beginPass = () => {
    const inRow = pass.width * perPixel
    row = new Uint8Array(Math.ceil((inRow * bitDepth) / 8))
    above = new Uint8Array(row.length)
    samples = bitDepth === 8 ? null : new Uint8Array(inRow)
    y = 0
  }
  beginPass()

  const writeRow = (to: Uint8Array, at: number) => {
    if (samples && isWide) narrow(row, samples)
    else if (samples) unpack(row, bitDepth, samples)
    expand(samples ?? row, to, at)
    if (wideKey) applyWideKey(row, wideKey, to, at)
  }

  /** Puts the pixels of a row of an interlaced picture where they belong. */
  const scatter = (from: Uint8Array) => {
    const { left, top, stepX, stepY } = pass
    const source = new Uint32Array(from.buffer, 0, pass.width)
    const target = new Uint32Array(pixels.buffer)
    let at = (top + y * stepY) * width + left
    for (let x = 0; x < pass.width; x += 1, at += stepX) target[at] = source[x]!
  }

  const finishRow = () => {
    unfilters[filter]!(row, above, step)
    if (scattered) {
      writeRow(scattered, 0)
      scatter(scattered)
    } else writeRow(pixels, y * width * 4)
    const swapped = above
    above = row
    row = swapped
    filter = -1
    filled = 0
    y += 1
    if (y < pass.height) return
    passAt += 1
    const next = passes[passAt]
    if (!next) return
    pass = next
    beginPass()
  }

  return {
    pixels,
    push(bytes) {
      for (let at = 0; at < bytes.length && passAt < passes.length; ) {
        if (filter < 0) {
          filter = bytes[at]!
          at += 1
          if (filter >= unfilters.length) throw broken(`filter type ${filter} in row ${y}`)
          continue
        }
        const piece = bytes.subarray(at, at + row.length - filled)
        row.set(piece, filled)
        filled += piece.length
        at += piece.length
        if (filled === row.length) finishRow()
      }
      return passAt === passes.length
    },
  }
}
