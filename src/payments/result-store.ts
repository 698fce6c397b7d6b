import type { PartWriter } from '../parts.ts'

/** Where paid results wait for replays. The ledger owns this interface; `src/index.ts` fills it. */
export interface ResultStore {
  /** Keeps `bytes` under a key that is never used again. @throws when they could not be kept */
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>
  /** Begins to keep a result that is too large for memory, under a key that is never used again. */
  begin(key: string, contentType: string): Promise<ResultWriter>
  /** The bytes, or null when they are gone. */
  open(key: string): Promise<ReadableStream<Uint8Array> | null>
  delete(key: string): Promise<void>
}

/** Keeps one result part by part. */
export interface ResultWriter extends PartWriter {
  /** The result is whole. */
  finish(): Promise<void>
}

/** A result's place and what stands in its answer besides the bytes. */
export interface StoredResult {
  readonly key: string
  readonly status: 200 | 202
  readonly headers: Readonly<Record<string, string>>
  /** Bytes. */
  readonly size: number
}
