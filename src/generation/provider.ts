/** Why a generation failed, as callers are told. */
export type FailureCode = 'content_blocked' | 'upstream_failed' | 'timed_out'

/** What an upstream is asked for: valid for its model, defaults filled in. Plain data: it is kept in the job. */
export interface GenerationTask {
  readonly kind: 'image' | 'video'
  /** The upstream's own name of the model. */
  readonly upstreamId: string
  /** 1 to 4,000 characters. */
  readonly prompt: string
  /** Such as `16:9`. */
  readonly aspectRatio: string
  /** `1k`, `2k` or `4k`; for videos the upstream's word for it, such as `720p`; null where the model has no choice. */
  readonly resolution: string | null
  /** Of a video. */
  readonly durationSeconds: number | null
}

/**
 * Takes one output in, piece by piece, while it comes; a piece is its own to keep. No more is read until it has taken
 * it.
 */
export interface OutputSink {
  write(bytes: Uint8Array): Promise<void>
}

/** Where outputs go. `open` begins one; what is opened and not named in `completed` is thrown away. */
export interface OutputSinks {
  open(): Promise<OutputSink>
}

/** What an upstream says about a task. Plain data but for the sinks. */
export type UpstreamState =
  /**
   * It works. `operation` is its handle, plain text that `poll` is given back. `progress` 0 to 100, where it says so.
   */
  | { readonly kind: 'running'; readonly operation: string; readonly progress: number | null }
  /** Done: the sinks that hold its outputs, in order. */
  | { readonly kind: 'completed'; readonly outputs: readonly OutputSink[] }
  /**
   * It will never be. `retryable`: the same again may succeed. `message` is for the caller: no secret, no upstream URL.
   */
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string; readonly retryable: boolean }
  /**
   * Nobody knows, or it has no room: ask again. `retryAfterMs` where the upstream says when. `mayHaveBegun` of a
   * `start`:
   * the upstream may have worked, and bill it, and its answer was lost; absent, it surely did not begin. `cause` is for
   * the log, without secrets.
   */
  | {
      readonly kind: 'unavailable'
      readonly cause: string
      readonly retryAfterMs: number | null
      readonly mayHaveBegun?: true
    }

/**
 * An upstream that generates. One file in `providers/` and one row in `models.ts` add one. Holds no state about jobs.
 * Never throws, and never repeats a call that may have begun work: whether a lost `start` is sent again is the job's to
 * decide.
 */
export interface Provider {
  readonly name: string
  /**
   * Asks for a task. A synchronous upstream answers `completed` at once, its outputs written to `sinks`; another one
   * `running`. A synchronous upstream bills what it was asked for even when nobody waits: `mayHaveBegun` says so.
   */
  start(task: GenerationTask, sinks: OutputSinks): Promise<UpstreamState>
  /** Asks how an operation stands. Repeating it costs nothing. Synchronous upstreams have none. */
  poll?(operation: string, task: GenerationTask, sinks: OutputSinks): Promise<UpstreamState>
}
