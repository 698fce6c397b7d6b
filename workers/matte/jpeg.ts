import createMozJpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js'
import wasm from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'
import { countScans } from '../../src/images/jpeg-segments.ts'
import { Codec } from './codec.ts'
import { readPictureData } from './jpeg-data.ts'
import { describeWarning, refuseJpeg } from './jpeg-warnings.ts'
import { free, type Raster } from './picture.ts'

/**
 * Encoders write a dozen. Each scan goes over every block of the picture, however few bytes it has, so that a file of 1
 * MB could keep the decoder busy for minutes.
 */
const maxScans = 200

const decoder = new Codec(createMozJpeg, wasm)

/** Bytes of the decoder's linear memory now. */
export const readCodecBytes = (): number => decoder.bytes

/**
 * Decodes a baseline or progressive JPEG, grey or colour, as stored (orientation not applied). Bytes behind the
 * picture's end are left out. Throws ApiError `invalid_image` if the file is truncated or damaged, also where the
 * decoder itself would fill the missing part with grey.
 */
export async function decodeJpeg(file: Uint8Array): Promise<Raster> {
  if (countScans(file) > maxScans) throw refuseJpeg('scans')
  const data = readPictureData(file)
  if (!data) throw refuseJpeg('truncated')
  const { result: image, said } = await decoder.run((codec) => codec.decode(data, false))
  const fault = describeWarning(said)
  if (!image || fault) {
    if (image) free(image.data)
    throw refuseJpeg(fault ?? 'damaged')
  }
  return { pixels: new Uint8Array(image.data.buffer), width: image.width, height: image.height, hasAlpha: false }
}
