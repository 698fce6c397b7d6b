import type { ResizeService, VariantOptions, VariantSource } from '../../../src/hosting/resize.ts'
import { Resize } from '../../../workers/resize/index.ts'

export { Resize }

/** The resize Worker behind its own RPC: the body is the image, the query what is told and asked of it, as JSON. */
export default {
  async fetch(request: Request, _env: unknown, ctx: ExecutionContext): Promise<Response> {
    if (!request.body) return new Response(null)
    const { Resize: service } = ctx.exports as unknown as { Resize: ResizeService }
    const query = new URL(request.url).searchParams
    const source = JSON.parse(query.get('source') ?? '') as VariantSource
    const options = JSON.parse(query.get('options') ?? '') as VariantOptions
    const result = await service.resize(request.body, Number(request.headers.get('Content-Length')), source, options)
    if (!result.ok) return Response.json(result, { status: result.code === 'busy' ? 503 : 400 })
    return new Response(result.bytes, { headers: { 'Content-Type': result.contentType } })
  },
}
