import createMozJpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js'
import wasm from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'
import { Codec } from './codec.ts'
import { readPictureData } from './jpeg-data.ts'
import { describeWarning, refuseJpeg } from './jpeg-warnings.ts'
import { free, type Raster } from './picture.ts'

const decoder = new Codec(createMozJpeg, wasm)

/** Bytes of the decoder's linear memory now. */
export const readJpegBytes = (): number => decoder.bytes

/**
 * Decodes a baseline or progressive JPEG, grey or colour, as stored (orientation not applied). Bytes behind the
 * picture's end are left out. Throws ApiError `invalid_image` if the file is truncated or damaged, also where the
 * decoder itself would fill the missing part with grey.
 */
export async function decodeJpeg(file: Uint8Array): Promise<Raster> {
  const data = readPictureData(file)
  if (typeof data === 'string') throw refuseJpeg(data)
  const { result: image, said } = await decoder.run((codec) => codec.decode(data, false))
  const fault = describeWarning(said)
  if (!image || fault) {
    if (image) free(image.data)
    throw refuseJpeg(fault ?? 'damaged')
  }
  return { pixels: new Uint8Array(image.data.buffer), width: image.width, height: image.height, hasAlpha: false }
}
