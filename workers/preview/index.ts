import { WorkerEntrypoint } from 'cloudflare:workers'
import wasm from '@jsquash/webp/codec/enc/webp_enc_simd.wasm'
import { now } from '../../src/clock.ts'
import {
  maxPreviewPixels,
  maxPreviewSeconds,
  maxPreviewSide,
  maxPreviewVideoPixels,
  type PreviewResult,
  type PreviewService,
  type PreviewSize,
  type PreviewVideo,
  previewFrameRate,
} from '../../src/generation/preview.ts'
import { encodePng } from '../matte/png-encoder.ts'
import { Queue } from '../matte/queue.ts'
import { FrameEncoder } from './frame-encoder.ts'
import { createPainter } from './paint.ts'
import { createScene } from './scene.ts'
import { renderVideo } from './video.ts'

const encoder = new FrameEncoder(wasm)

const queue = new Queue({
  maxWaiting: 8,
  // Prompts.
  maxWaitingBytes: Number.POSITIVE_INFINITY,
  // Longer than a lease, so that whoever waits behind a reader who is gone still gets its turn.
  patience: 30_000,
  interval: 25,
  lease: 10_000,
  now,
  sleep: (milliseconds) => scheduler.wait(milliseconds),
})

const busy: PreviewResult = { ok: false, code: 'busy', retryAfter: 5 }
const tooLarge: PreviewResult = { ok: false, code: 'too_large' }

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value > 0

const isPicture = ({ width, height }: PreviewSize): boolean =>
  isWhole(width) && isWhole(height) && Math.max(width, height) <= maxPreviewSide && width * height <= maxPreviewPixels

const isVideo = ({ width, height, seconds }: PreviewVideo): boolean =>
  [width, height].every((side) => isWhole(side) && side >= 16 && side % 2 === 0) &&
  width * height <= maxPreviewVideoPixels &&
  isWhole(seconds) &&
  seconds <= maxPreviewSeconds

/** Pictures and videos painted from the words of a prompt: one at a time, a short queue behind it. */
export class Preview extends WorkerEntrypoint implements PreviewService {
  async renderImage(prompt: string, { width, height }: PreviewSize): Promise<PreviewResult> {
    if (!isPicture({ width, height })) return tooLarge
    const scene = await createScene(prompt)
    const place = await queue.enter(0)
    if (!place) return busy
    const paint = createPainter(scene, { width, height })
    const bytes = encodePng(
      { width, height, kind: 'rgb' },
      (y, row, offset) => {
        if (!place.renew()) throw new Error('the picture was read too slowly')
        paint(y, row, offset)
      },
      () => place.leave(),
    )
    return { ok: true, bytes, contentType: 'image/png', width, height }
  }

  async renderVideo(prompt: string, { width, height, seconds }: PreviewVideo): Promise<PreviewResult> {
    if (!isVideo({ width, height, seconds })) return tooLarge
    const scene = await createScene(prompt)
    const place = await queue.enter(0)
    if (!place) return busy
    try {
      const plan = { width, height, seconds, frameRate: previewFrameRate }
      const parts = await renderVideo(scene, plan, encoder, async () => {
        // Else nobody who waits could look whether it is its turn, and would count as gone.
        await scheduler.wait(0)
        return place.renew()
      })
      if (!parts) return busy
      const bytes = new Blob([...parts] as Uint8Array<ArrayBuffer>[]).stream()
      return { ok: true, bytes, contentType: 'video/webm', width, height }
    } finally {
      place.leave()
    }
  }

  async ping(): Promise<void> {}
}

export default {
  /** This Worker has no route: it is reached through the binding alone. */
  fetch: () => new Response(null, { status: 404 }),
}
