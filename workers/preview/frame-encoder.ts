import createEncoder from '@jsquash/webp/codec/enc/webp_enc_simd.js'
import { defaultOptions } from '@jsquash/webp/meta.js'
import { readWebpChunks } from '../../src/images/webp-chunks.ts'
import { Codec } from '../matte/codec.ts'
import type { Size } from './paint.ts'

/** Fast rather than small: each frame costs time before anything is seen. */
const options = { ...defaultOptions, quality: 78, method: 1, segments: 1 }

/** Makes VP8 key frames. Starts its codec when the first is asked for. */
export class FrameEncoder {
  readonly #codec: Codec<Awaited<ReturnType<typeof createEncoder>>>

  /** `wasm` is the encoder's, with SIMD. */
  constructor(wasm: WebAssembly.Module) {
    this.#codec = new Codec(createEncoder, wasm)
  }

  /** A key frame of opaque RGBA pixels: what a lossy WebP holds is one (RFC 9649, 2.5). */
  async encode(pixels: Uint8Array, { width, height }: Size): Promise<Uint8Array> {
    const { result } = await this.#codec.run((codec) => {
      const file = codec.encode(pixels, width, height, options)
      return file && [...readWebpChunks(file)].find(({ type }) => type === 'VP8 ')?.data.slice()
    })
    if (!result) throw new Error('the WebP encoder gave no frame')
    return result
  }
}
