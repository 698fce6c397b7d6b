import type { OutputSink } from './provider.ts'

/** One output of a generation, as callers are told of it. */
export interface GenerationOutput {
  readonly url: string
  /** Media type, by its first bytes. */
  readonly type: string
  readonly width: number
  readonly height: number
  /** Of its bytes, in hex. */
  readonly sha256: string
}

/** An output that is stored, and what makes it stay. Plain data: it is kept in the job. */
export interface StoredOutput extends GenerationOutput {
  /** What the store knows it by. */
  readonly reference: string
}

/** What an upstream gave is no output, or one that was taken down: it is never stored. */
export class BadOutput extends Error {
  override name = 'BadOutput'
}

/** A sink whose bytes are stored. */
export interface StoredSink extends OutputSink {
  /** There is no more. @throws BadOutput when it never will be stored; anything else when it is not now */
  finish(): Promise<StoredOutput>
  /** Forgets it. Never throws. */
  abort(): Promise<void>
}

/** Where outputs are kept. Generation owns this interface; `src/index.ts` fills it. */
export interface OutputStore {
  /**
   * Begins an output. It goes away by itself after some days unless it is kept.
   * @param size what was asked for, where the bytes do not tell it
   */
  open(size: { readonly width: number; readonly height: number }): Promise<StoredSink>
  /** Keeps a stored output for as long as a generation is kept. Again does no harm. */
  keep(output: StoredOutput): Promise<void>
  /** Its bytes, for another step; null: it is gone. */
  read(output: StoredOutput): Promise<{ readonly body: ReadableStream<Uint8Array>; readonly size: number } | null>
}
