import type { PreviewService } from '../../../src/generation/preview.ts'
import { Preview } from '../../../workers/preview/index.ts'

export { Preview }

/** The preview Worker behind its own RPC: the query is what is asked of it; with `seconds` it is a video. */
export default {
  async fetch(request: Request, _env: unknown, ctx: ExecutionContext): Promise<Response> {
    const query = new URL(request.url).searchParams
    const prompt = query.get('prompt')
    if (prompt === null) return new Response(null)
    const { Preview: service } = ctx.exports as unknown as { Preview: PreviewService }
    const [width, height, seconds] = ['width', 'height', 'seconds'].map((name) => Number(query.get(name)))
    const result = query.has('seconds')
      ? await service.renderVideo(prompt, { width: width!, height: height!, seconds: seconds! })
      : await service.renderImage(prompt, { width: width!, height: height! })
    if (!result.ok) return Response.json(result, { status: result.code === 'busy' ? 503 : 400 })
    return new Response(result.bytes, { headers: { 'Content-Type': result.contentType } })
  },
}
