import { request } from 'node:http'
import { stack } from './kit.ts'

/** What a server says to a client that does not send all it has announced. */
export interface RawAnswer {
  readonly status: number
  readonly error: string
  readonly headers: NodeJS.Dict<string | string[]>
}

/**
 * Announces a body of `length` bytes and sends `head` of it. Resolves with the answer, which must come without the rest;
 * then hangs up.
 */
export function sendHeadOnly(
  path: string,
  { headers, head, length }: { headers: Record<string, string>; head: Uint8Array; length: number },
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${stack.gateway}${path}`, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'Content-Length': String(length) },
    })
    sent.on('error', reject)
    sent.on('response', (answer) => {
      const chunks: Buffer[] = []
      let size = 0
      answer.on('error', () => {})
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        size += chunk.length
        // The answer ends only with the request, but its length is known.
        if (size < Number(answer.headers['content-length'])) return
        const { error } = JSON.parse(Buffer.concat(chunks).toString()) as { error: string }
        resolve({ status: answer.statusCode ?? 0, error, headers: answer.headers })
        sent.on('error', () => {})
        sent.destroy()
      })
    })
    sent.write(head)
  })
}
