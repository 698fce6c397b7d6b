import createMozJpeg from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js'
import wasmModule from '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm'
import { readPictureData } from './jpeg-data.ts'
import { describeWarning, refuseJpeg } from './jpeg-warnings.ts'
import { free, type Raster } from './picture.ts'

type Codec = Awaited<ReturnType<typeof createMozJpeg>>

let codec: Codec | undefined
let memory: WebAssembly.Memory | undefined
let warnings: string[] = []

/** Bytes of the decoder's linear memory now; it never shrinks while the decoder lives. */
export const readCodecBytes = (): number => memory?.buffer.byteLength ?? 0

/** The isolate's one decoder: reused memory costs less than what dead instances hold until they are collected. */
async function loadCodec(): Promise<Codec> {
  codec ??= await createMozJpeg({
    noInitialRun: true,
    print: () => {},
    printErr: (line) => warnings.push(line),
    instantiateWasm: (imports, receive) => {
      const instance = new WebAssembly.Instance(wasmModule, imports)
      memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory)
      receive(instance)
      return instance.exports
    },
  })
  return codec
}

/**
 * Decodes a baseline or progressive JPEG, grey or colour, as stored (orientation not applied). Bytes behind the
 * picture's end are left out. Throws ApiError `invalid_image` if the file is truncated or damaged, also where the
 * decoder itself would fill the missing part with grey.
 */
export async function decodeJpeg(file: Uint8Array): Promise<Raster> {
  const data = readPictureData(file)
  if (!data) throw refuseJpeg('truncated')
  const decoder = await loadCodec()
  warnings = []
  let image: ReturnType<Codec['decode']>
  try {
    image = decoder.decode(data, false)
  } catch {
    // What is thrown is a bare C++ exception or exit; the instance cannot be trusted after it.
    codec = undefined
    memory = undefined
    throw refuseJpeg(describeWarning(warnings) ?? 'damaged')
  }
  const fault = describeWarning(warnings)
  if (!image || fault) {
    if (image) free(image.data)
    throw refuseJpeg(fault ?? 'damaged')
  }
  return { pixels: new Uint8Array(image.data.buffer), width: image.width, height: image.height, hasAlpha: false }
}
