import { WorkerEntrypoint } from 'cloudflare:workers'
import wasm from '@cf-wasm/photon/photon.wasm'
import { now } from '../../src/clock.ts'
import type { ResizeService, VariantOptions, VariantResult, VariantSource } from '../../src/hosting/resize.ts'
import { Queue } from '../matte/queue.ts'
import { Photon } from './photon.ts'
import { createVariant } from './variant.ts'

const photon = new Photon(wasm)

const queue = new Queue({
  maxWaiting: 8,
  // Files are read when it is their turn.
  maxWaitingBytes: Number.POSITIVE_INFINITY,
  // Longer than a lease, so that whoever waits behind a dead request still gets its turn.
  patience: 15_000,
  interval: 25,
  lease: 10_000,
  now,
  sleep: (milliseconds) => scheduler.wait(milliseconds),
})

const busy: VariantResult = { ok: false, code: 'busy', retryAfter: 3 }

/** Variants of hosted images in an isolate of their own: one picture at a time, a short queue behind it. */
export class Resize extends WorkerEntrypoint implements ResizeService {
  async resize(
    image: ReadableStream<Uint8Array>,
    bytes: number,
    source: VariantSource,
    options: VariantOptions,
  ): Promise<VariantResult> {
    const place = await queue.enter(bytes)
    if (!place) return busy
    try {
      const file = await new Response(image).bytes().catch(() => null)
      // The file stopped coming, or came so slowly that another has this place.
      if (!file || !place.renew()) return busy
      return createVariant(file, source, options, photon)
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
