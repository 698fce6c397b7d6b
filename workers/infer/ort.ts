/**
 * onnxruntime-web inside workerd, with the stock package: no text patches, no build of its own.
 *
 * workerd compiles no WebAssembly from bytes, and ORT's public interface takes no compiled module. So the module is
 * imported, and handed over by a hook on `WebAssembly.instantiate` that is in place only while the runtime starts.
 */
import * as ort from 'onnxruntime-web/wasm'
// The package's ort-wasm-simd-threaded.wasm with the "shared" bit of its memory import cleared; build.ts writes it.
import wasmModule from '../../.build/ort-wasm-simd.wasm'

const pagesPerMiB = 16

// Never compiled: it selects ORT's embedded glue (no URL, no fetch) and makes ORT's own instantiate() recognisable.
const marker = new TextEncoder().encode('ort-in-workerd')

/** The runtime's linear memory, in MiB. Above `maximumMiB` ORT throws `bad_alloc`, instead of the isolate dying. */
export interface OrtMemory {
  readonly initialMiB: number
  readonly maximumMiB: number
}

let memory: WebAssembly.Memory | undefined
let starting: Promise<unknown> | undefined

/** Bytes of ORT's linear memory now. It never shrinks, so this is its peak too. 0 before the first ort session. */
export const readHeapBytes = (): number => memory?.buffer.byteLength ?? 0

function isMarker(source: unknown): boolean {
  if (source instanceof WebAssembly.Module) return false
  const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : source
  return bytes instanceof Uint8Array && bytes.length === marker.length && bytes.every((b, i) => b === marker[i])
}

/** Runs `start` while ORT sees the imported module, an unshared memory with a maximum, and no `Atomics.waitAsync`. */
async function startRuntime<T>(limits: OrtMemory, start: () => Promise<T>): Promise<T> {
  ort.env.wasm.numThreads = 1
  ort.env.wasm.proxy = false
  ort.env.wasm.wasmBinary = marker.buffer
  ort.env.logLevel = 'error'

  const wasm: { instantiate: unknown; Memory: unknown } = WebAssembly
  const atomics: { waitAsync?: unknown } = Atomics
  const saved = { instantiate: WebAssembly.instantiate, Memory: WebAssembly.Memory, waitAsync: atomics.waitAsync }
  wasm.instantiate = async (source: WebAssembly.Module, imports: WebAssembly.Imports) =>
    isMarker(source)
      ? { module: wasmModule, instance: new WebAssembly.Instance(wasmModule, imports) }
      : saved.instantiate(source, imports)
  wasm.Memory = function createMemory(descriptor: WebAssembly.MemoryDescriptor) {
    if (!descriptor.shared || descriptor.initial === 0) return new saved.Memory(descriptor)
    memory = new saved.Memory({
      initial: limits.initialMiB * pagesPerMiB,
      maximum: limits.maximumMiB * pagesPerMiB,
    })
    return memory
  }
  // On unshared memory waitAsync throws, and the runtime would hang; without it the glue waits for nothing.
  atomics.waitAsync = undefined
  try {
    return await start()
  } finally {
    Object.assign(wasm, { instantiate: saved.instantiate, Memory: saved.Memory })
    atomics.waitAsync = saved.waitAsync
  }
}

/**
 * Creates an ort session for the ONNX file `model`. The first call starts the runtime with `limits`; later ones share
 * it. Rejects if the graph is bad or does not fit. If the runtime itself cannot start, it never will in this isolate.
 */
export async function createOrtSession(model: Uint8Array, limits: OrtMemory): Promise<ort.InferenceSession> {
  const create = () =>
    ort.InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' })
  if (!starting) {
    const first = startRuntime(limits, create)
    starting = first
    return first
  }
  await starting.catch(() => {})
  return create()
}

export const { Tensor } = ort
