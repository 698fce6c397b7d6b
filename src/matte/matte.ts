import type { ErrorCode } from '../errors.ts'
import type { MatteOptions } from './options.ts'

/** The image formats a caller may send. */
export type ImageFormat = 'png' | 'jpeg' | 'webp'

/** Facts about a finished cut-out. Foreground is where the final alpha is above one half (127 of 255). */
export interface CutOutFacts {
  /** Pixels of the oriented input, and so of the answer unless it is cropped. */
  readonly width: number
  readonly height: number
  /** Bounding box of the foreground in the oriented input: x, y, width, height in pixels. */
  readonly bbox: readonly [number, number, number, number]
  /** Share of the pixels that are foreground, 0 to 1. */
  readonly coverage: number
  /** The matte model's id in `models/index.ts`. */
  readonly model: string
}

/** Why there is no cut-out. `message` is a sentence for the caller; causes stay in the logs. */
export interface MatteFailure {
  readonly ok: false
  readonly code: Extract<ErrorCode, 'invalid_image' | 'no_foreground' | 'processing_failed' | 'processor_unavailable'>
  readonly message?: string
  /** Seconds, with `processor_unavailable`. */
  readonly retryAfter?: number
  /** The picture is sound, but not for this host. */
  readonly tryElsewhere?: true
  /** There would be an answer, and its doubt is above what was asked for: another host may be surer. */
  readonly isUnsure?: true
}

export type MatteResult =
  | {
      readonly ok: true
      readonly contentType: 'image/png' | 'image/webp'
      readonly facts: CutOutFacts
      readonly body: ReadableStream<Uint8Array>
    }
  | MatteFailure

/**
 * Background removal, wherever it runs: the RPC contract between the gateway and whoever holds the pixels. Failures are
 * values, since thrown errors lose their type on the way through RPC.
 */
export interface MatteService {
  /**
   * Cuts the foreground out of one whole image file of `bytes` bytes and the given format.
   * @param mostDoubt a matte with more doubt than this (`measureDoubt`, 0 to 1) is not worked out, but `isUnsure`; hosts
   *   that answer at any rate may leave it out
   */
  cut(
    image: ReadableStream<Uint8Array>,
    bytes: number,
    format: ImageFormat,
    options: MatteOptions,
    mostDoubt?: number,
  ): Promise<MatteResult>
  /** Answers when whoever would work does, without loading a model. */
  ping(): Promise<void>
  /** What its isolates hold now; hosts that are no isolates have no such limit to tell of. */
  readMemory?(): Promise<WasmMemory>
}

/** Linear memory in bytes, each in an isolate that may have 128 MB in all. It never shrinks while an instance lives. */
export interface WasmMemory {
  /** Of the image codecs that stay. */
  readonly codecs: number
  /** Of the runtime that runs the model. */
  readonly model: number
}

/** Inference, wherever it runs: knows tensors, nothing of files or formats. */
export interface InferService {
  /**
   * Runs the matte model `model` on its input tensor (float32, 1 x 3 x size x size, normalised as its row says) and
   * answers the matte: 8-bit alpha, size x size, row by row.
   */
  infer(model: string, tensor: Float32Array): Promise<InferResult>
  /** Answers, without loading the model. */
  ping(): Promise<void>
  /** Bytes of the runtime's linear memory now: 0 before the first run. */
  readMemory(): Promise<number>
}

export type InferResult =
  | { readonly ok: true; readonly alpha: Uint8Array }
  | { readonly ok: false; readonly code: 'processor_unavailable' | 'processing_failed'; readonly message: string }
