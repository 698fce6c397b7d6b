import { free } from '../matte/picture.ts'

/** Where something lies in photon's memory, and how many bytes it has; both as wasm gives them, signed. */
type Slice = readonly [at: number, length: number]

/** What is used of photon's wasm, as wasm-bindgen 0.2 exports it: an image is the address of a Rust struct. */
interface PhotonExports {
  readonly memory: WebAssembly.Memory
  readonly __wbindgen_externrefs: WebAssembly.Table
  __wbindgen_start(): void
  __wbindgen_malloc(bytes: number, align: number): number
  __wbindgen_free(at: number, bytes: number, align: number): void
  /** Owns the bytes from then on. */
  photonimage_new(at: number, bytes: number, width: number, height: number): number
  /** Owns the bytes from then on, unless it traps. */
  photonimage_new_from_byteslice(at: number, bytes: number): number
  photonimage_get_width(image: number): number
  photonimage_get_height(image: number): number
  photonimage_get_raw_pixels(image: number): Slice
  photonimage_get_bytes_webp(image: number): Slice
  photonimage_get_bytes_jpeg(image: number, quality: number): Slice
  __wbg_photonimage_free(image: number, flag: 0): void
}

/** RGBA, 8 bits each, row by row, not premultiplied. */
export interface Pixels {
  readonly pixels: Uint8Array<ArrayBuffer>
  readonly width: number
  readonly height: number
}

const jpegQuality = 85

const encoders = {
  /** Lossless; photon has no other. */
  webp: (photon: PhotonExports, image: number) => photon.photonimage_get_bytes_webp(image),
  /** Alpha is not looked at. */
  jpeg: (photon: PhotonExports, image: number) => photon.photonimage_get_bytes_jpeg(image, jpegQuality),
} as const

/** Pictures of 4 megapixels take 46 to 77: an instance that stays is reused, what is above would lie beside the next. */
const keptMiB = 80

/** Each trap leaves 240 bytes of Rust's stack unreturned, which has a megabyte. */
const maxTraps = 100

function instantiate(module: WebAssembly.Module): PhotonExports {
  // All but one of its imports are a browser's, for functions that are not called here.
  const refuse = () => {
    throw new Error('photon asked for a browser')
  }
  const imports: Record<string, () => void> = {}
  for (const { name } of WebAssembly.Module.imports(module)) imports[name] = refuse
  let photon: PhotonExports | undefined
  imports.__wbindgen_init_externref_table = () => {
    const table = photon!.__wbindgen_externrefs
    const at = table.grow(4)
    for (const [i, value] of [undefined, null, true, false].entries()) table.set(at + i, value)
  }
  const instance = new WebAssembly.Instance(module, { './photon_rs_bg.js': imports })
  photon = instance.exports as unknown as PhotonExports
  photon.__wbindgen_start()
  return photon
}

/** Copies parts, one behind the other, into photon's memory. */
function put(photon: PhotonExports, parts: readonly Uint8Array[]): Slice {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const start = photon.__wbindgen_malloc(length, 1) >>> 0
  const memory = new Uint8Array(photon.memory.buffer)
  let at = start
  for (const part of parts) {
    memory.set(part, at)
    at += part.length
  }
  return [start, length]
}

const view = (photon: PhotonExports, [at, length]: Slice): Uint8Array<ArrayBuffer> =>
  new Uint8Array(photon.memory.buffer as ArrayBuffer, at >>> 0, length)

/**
 * Photon, by its wasm alone. Its own glue holds one instance for an isolate's whole life, leaks every file that it
 * cannot decode, and copies all pixels out of wasm; here an instance can be let go, a file that failed is freed, and
 * pixels are read where they lie.
 */
export class Photon {
  readonly #module: WebAssembly.Module
  #photon: PhotonExports | undefined
  #traps = 0

  /** Takes the compiled wasm; instantiated at the first use. */
  constructor(module: WebAssembly.Module) {
    this.#module = module
  }

  /** Bytes of its linear memory now; it never shrinks while the instance lives. */
  get bytes(): number {
    return this.#photon?.memory.buffer.byteLength ?? 0
  }

  /**
   * Decodes a file that may come in parts (the first frame, as stored: no orientation, no profile), and answers what
   * `use` makes of its pixels, which are gone afterwards. `drop` is called when the parts are copied. Null if it cannot
   * be decoded.
   */
  decode<Result>(
    parts: readonly Uint8Array[],
    use: (picture: Pixels) => Result,
    drop: () => unknown = () => {},
  ): Result | null {
    return this.#run((photon) => {
      const file = put(photon, parts)
      drop()
      let image: number
      try {
        image = photon.photonimage_new_from_byteslice(...file)
      } catch {
        // Rust panics without unwinding: the file is the one thing that it had not freed.
        photon.__wbindgen_free(...file, 1)
        this.#traps += 1
        return null
      }
      const [width, height] = [photon.photonimage_get_width(image), photon.photonimage_get_height(image)]
      const copy = photon.photonimage_get_raw_pixels(image)
      photon.__wbg_photonimage_free(image, 0)
      const result = use({ pixels: view(photon, copy), width, height })
      photon.__wbindgen_free(...copy, 1)
      return result
    })
  }

  /** A file of the given format. Takes the pixels: their buffer is gone afterwards. */
  encode({ pixels, width, height }: Pixels, format: keyof typeof encoders): Uint8Array<ArrayBuffer> {
    return this.#run((photon) => {
      const copy = put(photon, [pixels])
      free(pixels)
      const image = photon.photonimage_new(...copy, width, height)
      const encoded = encoders[format](photon, image)
      photon.__wbg_photonimage_free(image, 0)
      const file = view(photon, encoded).slice()
      photon.__wbindgen_free(...encoded, 1)
      return file
    })
  }

  /** Works with the instance, and lets go of it when it has leaked, or stopped where nobody expects it to. */
  #run<Result>(act: (photon: PhotonExports) => Result): Result {
    if (!this.#photon) {
      this.#photon = instantiate(this.#module)
      this.#traps = 0
    }
    try {
      const result = act(this.#photon)
      if (this.#traps >= maxTraps || this.bytes > keptMiB << 20) this.#photon = undefined
      return result
    } catch (error) {
      this.#photon = undefined
      throw error
    }
  }
}
