import { WorkerEntrypoint } from 'cloudflare:workers'
import { defaultMatteModel } from '../../models/index.ts'
import { now } from '../../src/clock.ts'
import type { ImageHeader } from '../../src/images/facts.ts'
import { explainRefusal, findHost } from '../../src/matte/choose-host.ts'
import type { ImageFormat, InferService, MatteResult, MatteService, WasmMemory } from '../../src/matte/matte.ts'
import type { MatteOptions } from '../../src/matte/options.ts'
import { cutOut } from './cut.ts'
import { decodeJpeg, readJpegBytes } from './jpeg.ts'
import { free } from './picture.ts'
import { Queue } from './queue.ts'
import { decodeWebp, encodeWebp, readWebpBytes } from './webp.ts'

interface MatteEnv {
  readonly INFER: InferService
}

const edge = findHost('edge')

const queue = new Queue({
  maxWaiting: 2,
  maxWaitingBytes: 16 << 20,
  // Longer than a lease, so that whoever waits behind a dead request still gets its turn.
  patience: 15_000,
  interval: 25,
  lease: 10_000,
  now,
  sleep: (milliseconds) => scheduler.wait(milliseconds),
})

/** Seconds after which a full queue has usually moved on. */
const queueRetryAfter = 3

const readFile = async (stream: ReadableStream<Uint8Array>): Promise<Uint8Array> =>
  new Uint8Array(await new Response(stream).arrayBuffer())

/** Background removal in an edge isolate: one picture at a time, a short queue behind it. */
export class Matte extends WorkerEntrypoint<MatteEnv> implements MatteService {
  async cut(
    stream: ReadableStream<Uint8Array>,
    bytes: number,
    format: ImageFormat,
    options: MatteOptions,
    mostDoubt?: number,
  ): Promise<MatteResult> {
    const place = await queue.enter(bytes)
    if (!place) return { ok: false, code: 'processor_unavailable', retryAfter: queueRetryAfter }
    const image = await readFile(stream).catch(() => null)
    if (!image) {
      place.leave()
      return { ok: false, code: 'processor_unavailable', retryAfter: queueRetryAfter }
    }
    const tools = {
      model: defaultMatteModel,
      infer: this.env.INFER,
      ...(mostDoubt !== undefined && { mostDoubt }),
      decodeJpeg,
      decodeWebp,
      encodeWebp,
      explainRefusal: (header: ImageHeader) => explainRefusal(edge, header, options),
      dropFile: () => free(image),
    }
    return cutOut(image, format, options, tools, place)
  }

  ping(): Promise<void> {
    return this.env.INFER.ping()
  }

  async readMemory(): Promise<WasmMemory> {
    return { codecs: readJpegBytes() + readWebpBytes(), model: await this.env.INFER.readMemory() }
  }
}

export default {
  /** This Worker has no route: it is reached through the binding alone. */
  fetch: () => new Response(null, { status: 404 }),
}
