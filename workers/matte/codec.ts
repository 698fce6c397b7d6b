import { ApiError } from '../../src/errors.ts'

/** A sound picture, as far as anybody knows, that takes more memory than there is here: another host may have it. */
export class BeyondHost extends ApiError {
  constructor() {
    super('invalid_image', {
      message: 'The image takes more memory than this deployment has for it; send a simpler file.',
    })
  }
}

/** The way in which Emscripten's module factories are called here: without `fetch`, on a module that is bundled. */
interface Options {
  noInitialRun: boolean
  print(line: string): void
  printErr(line: string): void
  instantiateWasm(imports: WebAssembly.Imports, receive: (instance: WebAssembly.Instance) => void): WebAssembly.Exports
}

/**
 * Most that a codec's linear memory may have, in MiB: what every picture within the limits needs (60) and a little
 * more. Files of a few hundred kilobytes can ask for gigabytes of tables.
 */
const maximumMiB = 80
/** Above this an instance does not stay: its memory would lie beside every picture to come. */
const keptMiB = 64

const pageBytes = 65536

/** Lets a codec's memory grow to the maximum alone; beyond it the codec sees an allocation that failed. */
function limitGrowth(memory: WebAssembly.Memory, refuse: () => void): void {
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * pageBytes > maximumMiB << 20) {
      refuse()
      throw new RangeError('the codec wants too much')
    }
    return WebAssembly.Memory.prototype.grow.call(memory, pages)
  }
}

/** The isolate's one instance of a codec: reused memory costs less than what dead instances hold until collected. */
export class Codec<Module> {
  readonly #create: (options: Options) => Promise<Module>
  readonly #wasm: WebAssembly.Module
  #module: Module | undefined
  #memory: WebAssembly.Memory | undefined
  #said: string[] = []
  #wantsTooMuch = false

  constructor(create: (options: Options) => Promise<Module>, wasm: WebAssembly.Module) {
    this.#create = create
    this.#wasm = wasm
  }

  /** Bytes of its linear memory now; it never shrinks while the instance lives. */
  get bytes(): number {
    return this.#memory?.buffer.byteLength ?? 0
  }

  /**
   * Runs `act`, and answers what it gave and what the codec printed as an error meanwhile. What is thrown is a bare C++
   * exception or exit: then the result is null, and the next call gets a new instance.
   * @throws BeyondHost if it asked for more memory than it may have
   */
  async run<Result>(act: (module: Module) => Result): Promise<{ result: Result | null; said: readonly string[] }> {
    this.#module ??= await this.#create({
      noInitialRun: true,
      print: () => {},
      printErr: (line) => this.#said.push(line),
      instantiateWasm: (imports, receive) => {
        const instance = new WebAssembly.Instance(this.#wasm, imports)
        this.#memory = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Memory)
        if (this.#memory) {
          limitGrowth(this.#memory, () => {
            this.#wantsTooMuch = true
          })
        }
        receive(instance)
        return instance.exports
      },
    })
    this.#said = []
    this.#wantsTooMuch = false
    try {
      const result = act(this.#module)
      if (this.bytes > keptMiB << 20) this.#drop()
      // Some codecs answer nothing where others throw.
      if (this.#wantsTooMuch && !result) throw new BeyondHost()
      return { result, said: this.#said }
    } catch {
      this.#drop()
      if (this.#wantsTooMuch) throw new BeyondHost()
      return { result: null, said: this.#said }
    }
  }

  #drop(): void {
    this.#module = undefined
    this.#memory = undefined
  }
}
