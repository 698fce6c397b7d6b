import { PREVIEW } from '../catalogue.ts'
import type { PreviewService } from '../preview.ts'
import type { Provider } from '../provider.ts'
import { sizeOf } from '../sizes.ts'

/** The provider without an upstream: a Worker that paints what the prompt's words say. */
export const createLocal = (preview: PreviewService): Provider => ({
  name: PREVIEW,
  async start(task, sinks) {
    const size = sizeOf(task)
    try {
      const result = await (task.kind === 'image'
        ? preview.renderImage(task.prompt, size)
        : preview.renderVideo(task.prompt, { ...size, seconds: task.durationSeconds ?? 4 }))
      if (!result.ok && result.code === 'busy') {
        return { kind: 'unavailable', cause: 'the preview is busy', retryAfterMs: result.retryAfter * 1000 }
      }
      if (!result.ok) {
        const message = 'The preview does not paint pictures of this size.'
        return { kind: 'failed', code: 'upstream_failed', message, retryable: false }
      }
      const sink = await sinks.open()
      for await (const piece of result.bytes) await sink.write(piece)
      return { kind: 'completed', outputs: [sink] }
    } catch (error) {
      return { kind: 'unavailable', cause: String(error), retryAfterMs: null }
    }
  },
})
