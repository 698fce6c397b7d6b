import createDecoder from '@jsquash/webp/codec/dec/webp_dec.js'
import decoderWasm from '@jsquash/webp/codec/dec/webp_dec.wasm'
import createEncoder from '@jsquash/webp/codec/enc/webp_enc_simd.js'
import encoderWasm from '@jsquash/webp/codec/enc/webp_enc_simd.wasm'
import { defaultOptions } from '@jsquash/webp/meta.js'
import { ApiError } from '../../src/errors.ts'
import { findWebpEnd } from '../../src/images/webp-chunks.ts'
import { Codec } from './codec.ts'
import type { Raster } from './picture.ts'

const decoder = new Codec(createDecoder, decoderWasm)
const encoder = new Codec(createEncoder, encoderWasm)

const refuse = (message: string): ApiError => new ApiError('invalid_image', { message })

/**
 * Decodes a still WebP, lossy or lossless, as stored (orientation not applied). Throws ApiError `invalid_image` if the
 * file is truncated, which the decoder itself would not mind, or damaged.
 */
export async function decodeWebp(file: Uint8Array): Promise<Raster> {
  const end = findWebpEnd(file)
  if (end === null) throw refuse('The image is a truncated WebP; send the whole file.')
  const { result: image } = await decoder.run((codec) => codec.decode(file.subarray(0, end)))
  if (!image) throw refuse('The image is a damaged WebP; send a sound file.')
  return { pixels: new Uint8Array(image.data.buffer), width: image.width, height: image.height, hasAlpha: true }
}

/** Encodes RGBA pixels: lossy colour at quality 90, lossless alpha. @throws Error when there is no memory for it */
export async function encodeWebp(pixels: Uint8Array, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  // The encoder would read on, in what others left in its memory.
  if (pixels.length !== width * height * 4) throw new Error(`${pixels.length} bytes are no ${width} x ${height} pixels`)
  const options = { ...defaultOptions, quality: 90 }
  const { result } = await encoder.run((codec) => {
    const file = codec.encode(pixels, width, height, options)
    return file && new Uint8Array(file)
  })
  if (!result) throw new Error('the WebP encoder gave nothing')
  return result
}

/** Bytes of both codecs' linear memories now. */
export const readWebpBytes = (): number => decoder.bytes + encoder.bytes
