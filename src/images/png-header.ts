import { inflateSync } from 'node:zlib'
import { readOrientation } from './exif.ts'
import type { HeaderResult, Orientation, PngHeader, Profile } from './facts.ts'
import { displayP3, readProfile } from './icc.ts'
import { type PngChunk, readChunks } from './png-chunks.ts'

/** Bit depths that each colour type allows (PNG 3rd edition, table 11.1). */
const allowedDepths: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

const ihdrLength = 13
// 25 MB in chunks of 1 KiB are 25,000; writers take 8 KiB and more. Each costs an object.
const maxChunks = 50_000
// The largest profiles in use (CMYK ones included) stay below this; a bomb does not.
const maxProfileBytes = 2 << 20

/** The profile in an iCCP chunk: name, 0, method 0, deflated bytes (11.3.2.3). What cannot be read is no profile. */
function readIccp({ data, whole }: PngChunk): Profile {
  const nameEnd = data.indexOf(0)
  if (nameEnd < 0 || !whole) return 'none'
  try {
    return readProfile(inflateSync(data.subarray(nameEnd + 2), { maxOutputLength: maxProfileBytes }))
  } catch {
    return 'none'
  }
}

/** The profiles that a cICP chunk may name (11.3.2.6) by primaries and transfer function; not PQ, HLG and the rest. */
const codedProfiles: Readonly<Record<string, Profile>> = { '1,13': 'srgb', '1,1': 'srgb', '12,13': displayP3 }

const readCicp = ({ data, whole }: PngChunk): Profile =>
  whole ? (codedProfiles[`${data[0]},${data[1]}`] ?? 'foreign') : 'none'

/** Whether an acTL chunk (11.3.2.1) says that there is one frame. */
const isStill = ({ data }: PngChunk): boolean =>
  data.length >= 4 && data[0] === 0 && data[1] === 0 && data[2] === 0 && data[3] === 1

/**
 * Reads IHDR, and what the chunks behind it tell within `bytes`: orientation (eXIf), profile (cICP before iCCP before
 * sRGB, 12.1.3), animation (acTL). `bytes` begins with the PNG signature.
 */
export function readPngHeader(bytes: Uint8Array): HeaderResult {
  const chunks = readChunks(bytes)
  const first = chunks.next().value
  if (!first) return bytes.length < 16 ? 'incomplete' : { broken: 'is not a PNG behind its signature' }
  if (first.type !== 'IHDR') return { broken: 'is a PNG that does not begin with an IHDR chunk' }
  if (first.data.length < ihdrLength) return 'incomplete'
  const ihdr = new DataView(first.data.buffer, first.data.byteOffset, ihdrLength)
  const [bitDepth, colourType, compression, filter, interlace] = [8, 9, 10, 11, 12].map((at) => ihdr.getUint8(at))
  if (!allowedDepths[colourType!]?.includes(bitDepth!)) {
    return { broken: `is a PNG with colour type ${colourType} at bit depth ${bitDepth}, which do not go together` }
  }
  if (compression !== 0 || filter !== 0 || interlace! > 1) {
    return { broken: 'is a PNG with an unknown compression, filter or interlace method' }
  }
  let orientation: Orientation = 1
  let animated = false
  const profiles: Partial<Record<'cICP' | 'iCCP' | 'sRGB', Profile>> = {}
  let count = 1
  for (const chunk of chunks) {
    count += 1
    if (count > maxChunks) return { broken: `is a PNG of more than ${maxChunks} chunks` }
    if (chunk.type === 'eXIf') orientation = readOrientation(chunk.data)
    else if (chunk.type === 'acTL') animated = !isStill(chunk)
    else if (chunk.type === 'cICP') profiles.cICP ??= readCicp(chunk)
    else if (chunk.type === 'iCCP') profiles.iCCP ??= readIccp(chunk)
    else if (chunk.type === 'sRGB') profiles.sRGB = 'srgb'
  }
  return {
    format: 'png',
    width: ihdr.getUint32(0),
    height: ihdr.getUint32(4),
    bitDepth: bitDepth as PngHeader['bitDepth'],
    colourType: colourType as PngHeader['colourType'],
    interlaced: interlace === 1,
    orientation,
    animated,
    profile: profiles.cICP ?? profiles.iCCP ?? profiles.sRGB ?? 'none',
  }
}
