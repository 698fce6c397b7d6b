/**
 * Modules that the Workers runtime knows and its generated types do not: compiled WebAssembly, data files, and the few
 * parts of `node:zlib` and of the JPEG codec's glue that are used here.
 */

declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}

declare module '*.onnx' {
  const bytes: ArrayBuffer
  export default bytes
}

declare module 'node:zlib' {
  interface ZlibOptions {
    level?: number
    finishFlush?: number
    maxOutputLength?: number
    chunkSize?: number
  }
  interface Inflate {
    on(event: 'data', listener: (chunk: Uint8Array) => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'end' | 'close', listener: () => void): this
    write(chunk: Uint8Array, callback: () => void): boolean
    end(): void
    destroy(): void
  }
  export const constants: { readonly Z_SYNC_FLUSH: number; readonly Z_FINISH: number }
  export function crc32(data: Uint8Array, value?: number): number
  export function deflateRawSync(data: Uint8Array, options?: ZlibOptions): Uint8Array
  export function inflateSync(data: Uint8Array, options?: ZlibOptions): Uint8Array
  export function createInflate(options?: ZlibOptions): Inflate
}

declare module '@jsquash/jpeg/codec/dec/mozjpeg_dec.js' {
  interface MozJpeg {
    /** RGBA pixels as stored, orientation ignored unless asked for. */
    decode(
      file: Uint8Array,
      applyOrientation: boolean,
    ): { data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number } | null
  }
  const createMozJpeg: (options: object) => Promise<MozJpeg>
  export default createMozJpeg
}

declare module '@jsquash/webp/codec/dec/webp_dec.js' {
  interface WebpDecoder {
    /** RGBA pixels as stored; null if the file is damaged. */
    decode(file: Uint8Array): { data: Uint8ClampedArray<ArrayBuffer>; width: number; height: number } | null
  }
  const createDecoder: (options: object) => Promise<WebpDecoder>
  export default createDecoder
}

declare module '@jsquash/webp/codec/enc/webp_enc_simd.js' {
  interface WebpEncoder {
    /** A WebP file of RGBA pixels; null if there was no memory. A view of the codec's memory: copy it at once. */
    encode(pixels: Uint8Array, width: number, height: number, options: object): Uint8Array | null
  }
  const createEncoder: (options: object) => Promise<WebpEncoder>
  export default createEncoder
}
