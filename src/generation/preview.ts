/** Sides of a picture or a video, in whole pixels. */
export interface PreviewSize {
  readonly width: number
  readonly height: number
}

/** What a video should be. */
export interface PreviewVideo extends PreviewSize {
  /** Whole, 1 at least. */
  readonly seconds: number
}

/** Longest side of a picture. */
export const maxPreviewSide = 8_192

/** Most pixels of a picture: 4k in every ratio. They are painted row by row, so that memory does not bound them but time does. */
export const maxPreviewPixels = 18_000_000

/** Most pixels of a video's frame, in any ratio. Each side of a video is even, and at least 16. */
export const maxPreviewVideoPixels = 1_280 * 720

/** Longest video. */
export const maxPreviewSeconds = 8

/** Frames of a second of video. */
export const previewFrameRate = 10

/**
 * What was rendered, of the size asked for, or why not: `too_large` (beyond the limits above, or no size at all),
 * `busy` (others were before it: try again after so many seconds). Pictures are painted while `bytes` is read.
 */
export type PreviewResult =
  | {
      readonly ok: true
      readonly bytes: ReadableStream<Uint8Array>
      readonly contentType: 'image/png' | 'video/webm'
      readonly width: number
      readonly height: number
    }
  | { readonly ok: false; readonly code: 'too_large' }
  | { readonly ok: false; readonly code: 'busy'; readonly retryAfter: number }

/**
 * Pictures and videos without any upstream: the RPC contract between the gateway and the Worker that paints them. The
 * same prompt and size give the same bytes. Failures are values, since thrown errors lose their type on the way
 * through RPC.
 */
export interface PreviewService {
  /** Paints what the prompt's words say, or something of its own. */
  renderImage(prompt: string, size: PreviewSize): Promise<PreviewResult>
  /** The same, moving. It is ready when this answers, which takes seconds. */
  renderVideo(prompt: string, video: PreviewVideo): Promise<PreviewResult>
  /** Answers, without loading a codec. */
  ping(): Promise<void>
}
