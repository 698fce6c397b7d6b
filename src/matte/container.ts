import type { MatteResult, MatteService } from './matte.ts'
import { cutPath, factsHeader, healthPath, readFacts, readFailure, writeOptions } from './wire.ts'

/** How the Container is reached: by a binding in production, by an address elsewhere. */
export interface ContainerRoute {
  /** Sends a request, whose URL has the origin `base`, to the Container. */
  fetch(request: Request): Promise<Response>
  readonly base: string
  /** Sent as a bearer token, where the Container wants one. */
  readonly token: string | null
}

/** Most bytes of an answer that is no cut-out. */
const textLimit = 16 * 1024

async function readText(response: Response): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > textLimit) break
  }
  return text
}

/**
 * Background removal in the Container, over HTTP (`wire.ts`). What it answers is believed only where it makes sense.
 */
export function createContainerMatte({ fetch, base, token }: ContainerRoute): MatteService {
  const call = (path: string, init: RequestInit = {}): Promise<Response> => {
    const request = new Request(base + path, init)
    if (token) request.headers.set('Authorization', `Bearer ${token}`)
    return fetch(request)
  }
  return {
    async cut(image, bytes, format, options): Promise<MatteResult> {
      const init: RequestInit = {
        method: 'POST',
        headers: { 'Content-Type': `image/${format}` },
        // So that it has a Content-Length, and is no stream of unknown length.
        body: image.pipeThrough(new FixedLengthStream(bytes)),
      }
      const response = await call(`${cutPath}?${writeOptions(options)}`, init)
      const contentType = response.headers.get('Content-Type')
      const facts = readFacts(response.headers.get(factsHeader))
      if (response.status === 200 && response.body && facts && contentType === `image/${options.format}`) {
        return { ok: true, contentType: `image/${options.format}`, facts, body: response.body }
      }
      const text = await readText(response)
      const failure = response.status === 200 ? null : readFailure(text)
      if (failure) return failure
      throw new Error(
        `the Container answered ${response.status}, and neither a cut-out nor a reason: ${text.slice(0, 200)}`,
      )
    },

    async ping() {
      const response = await call(healthPath)
      await response.body?.cancel()
      if (!response.ok) throw new Error(`the Container answered ${response.status}`)
    },
  }
}
