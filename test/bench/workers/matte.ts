import { defaultMatteModel } from '../../../models/index.ts'
import type { ImageHeader } from '../../../src/images/facts.ts'
import { explainRefusal, findHost } from '../../../src/matte/choose-host.ts'
import type { ImageFormat, InferService } from '../../../src/matte/matte.ts'
import { defaultMatteOptions } from '../../../src/matte/options.ts'
import { cutOut } from '../../../workers/matte/cut.ts'
import { decodeJpeg, readJpegBytes } from '../../../workers/matte/jpeg.ts'
import { free } from '../../../workers/matte/picture.ts'
import { decodeWebp, encodeWebp, readWebpBytes } from '../../../workers/matte/webp.ts'

const { size } = defaultMatteModel.input

/** A soft disc, so that the cut-out compresses as real ones do. Inference has an isolate of its own, measured apart. */
const infer: Pick<InferService, 'infer'> = {
  async infer() {
    const alpha = Uint8ClampedArray.from({ length: size * size }, (_, i) => {
      const distance = Math.hypot((i % size) - size / 2, Math.floor(i / size) - size / 2)
      return (size / 3 - distance) * 16 + 128
    })
    return { ok: true, alpha: new Uint8Array(alpha.buffer) }
  },
}

/**
 * The matte Worker's work on a body that arrives by HTTP; the query names the format and another pixel limit. `GET`
 * tells the codecs' heap.
 */
export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === 'GET') return Response.json({ codecBytes: readJpegBytes() + readWebpBytes() })
    const format = request.headers.get('Content-Type')?.slice('image/'.length) as ImageFormat
    const query = new URL(request.url).searchParams
    const to = query.get('format') === 'webp' ? 'webp' : 'png'
    const edge = findHost('edge')
    const limit = Number(query.get('limit') ?? edge.pixels[to])
    const options = { ...defaultMatteOptions, format: to } as const
    const host = { ...edge, pixels: { png: limit, webp: limit } }
    const place = { renew: () => true, leave: () => {}, whenLost: () => {} }
    const file = new Uint8Array(await request.arrayBuffer())
    const codecs = { decodeJpeg, decodeWebp, encodeWebp }
    const explain = (header: ImageHeader) => explainRefusal(host, header, options)
    const tools = { model: defaultMatteModel, infer, ...codecs, explainRefusal: explain, dropFile: () => free(file) }
    const result = await cutOut(file, format, options, tools, place)
    return result.ok ? new Response(result.body) : Response.json(result, { status: 400 })
  },
}
