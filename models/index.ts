import type { Meaning } from './meaning.ts'

/** One matte model as facts: everything that whoever runs it must know, and nothing about how it is run. */
export interface MatteModel {
  /** Appears in `X-Model`. Lower case, the input size last where one network comes in several. */
  readonly id: string
  /** File name in this folder. */
  readonly file: string
  /**
   * Lower-case hex SHA-256 of the file; a build with another file fails. Null where nobody has published it: then the
   * one counts that was written down when the file was pulled.
   */
  readonly sha256: string | null
  /** Null where it is not published. */
  readonly bytes: number | null
  readonly licence: string
  /** Where the weights come from. */
  readonly source: string
  readonly input: {
    /**
     * Name of the graph's input: float32, 1 x 3 x size x size, RGB planes; the picture is stretched to the square.
     * Null: its first.
     */
    readonly name: string | null
    /** Side of the square, in pixels. */
    readonly size: number
    /** Each channel goes in as `(value / 255 - mean) / std`, in the order red, green, blue. */
    readonly mean: readonly [number, number, number]
    readonly std: readonly [number, number, number]
  }
  readonly output: {
    /** Name of the graph's output: float32, 1 x 1 x size x size. Null: its first. */
    readonly name: string | null
    readonly meaning: Meaning
  }
}

/** A matte model whose file lies in this repository: everything is known of it, and it answers alpha. */
export interface ShippedModel extends MatteModel {
  readonly sha256: string
  readonly bytes: number
  readonly input: MatteModel['input'] & { readonly name: string }
  readonly output: { readonly name: string; readonly meaning: 'alpha' }
}

/** Every matte model of this repository. Input size and normalisation are read from here, everywhere. */
export const matteModels = [
  {
    id: 'edge-352',
    file: 'edge.onnx',
    sha256: '0bf04106b2d31143a79e78233a2c5cd707a2103f32009bf2ba256fffe74ac6e5',
    bytes: 4_243_884,
    licence: 'MIT; its encoder began as MobileNetV2 of google-coral/test_data, Apache-2.0',
    source: 'Trained for this project, taught by IS-Net; data and training are described in models/README.md.',
    input: { name: 'input', size: 352, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    output: { name: 'alpha', meaning: 'alpha' },
  },
  // What was there before, to compare with.
  {
    id: 'starter-320',
    file: 'starter.onnx',
    sha256: '96a64cd1d94048520145d68cd52db28be5956d274f2a4cffed7abc0a8d4a937d',
    bytes: 2_864_945,
    licence: 'MIT',
    source: 'Trained from nothing for this project; data and training are described in models/README.md.',
    input: { name: 'input', size: 320, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    output: { name: 'alpha', meaning: 'alpha' },
  },
] as const satisfies readonly ShippedModel[]

/** The model that a caller gets who asks for none. */
export const defaultMatteModel: ShippedModel = matteModels[0]

/** The row of the model named `id`, if there is one. */
export const findMatteModel = (id: string): ShippedModel | undefined => matteModels.find((model) => model.id === id)
