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
  interface Options {
    noInitialRun: boolean
    print(line: string): void
    printErr(line: string): void
    instantiateWasm(
      imports: WebAssembly.Imports,
      receive: (instance: WebAssembly.Instance) => void,
    ): WebAssembly.Exports
  }
  const createMozJpeg: (options: Options) => Promise<MozJpeg>
  export default createMozJpeg
}
