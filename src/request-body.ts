import { ApiError, type ErrorCode } from './errors.ts'

/** As much of a body as free checks may read. */
export const HEAD_BYTES = 64 * 1024
/** How much of an unread body is taken in, so that a client who is still sending sees the answer and not a reset. */
const DRAIN_BYTES = 64 * 1024 * 1024
const DRAIN_MS = 30_000
/** A body that sends nothing for this long is given up. */
const SILENCE_MS = 15_000

/** The first bytes of a body. `isWhole`: there are no more. */
export interface BodyHead {
  readonly bytes: Uint8Array
  readonly isWhole: boolean
}

/** A request's body, read in two steps: a head for the checks that are free, and the rest once it is paid for. */
export interface RequestBody {
  /** Content-Length, or null when the client does not say. */
  readonly declaredBytes: number | null
  /** At least the first 64 KiB, or all there is. May be called again. @throws ApiError `request_timeout` */
  readHead(): Promise<BodyHead>
  /**
   * The whole body in pieces, once, counted while it is read.
   * @throws ApiError `tooLarge` as soon as there are more than `limit` bytes, `request_timeout`
   */
  read(limit: number, tooLarge: ErrorCode): AsyncIterable<Uint8Array>
  /** Whether there is more to come than has been read. */
  isPending(): boolean
  /** Takes in what is left and forgets it, within bounds. Never throws. */
  drain(): Promise<void>
}

/** The body of `request`, which must be unread. */
export function openRequestBody(request: Request): RequestBody {
  const length = request.headers.get('content-length')
  const declaredBytes = length !== null && /^\d+$/.test(length) ? Number(length) : null
  const reader = request.body?.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  let isWhole = reader === undefined

  async function readChunk(): Promise<ReadableStreamReadResult<Uint8Array>> {
    const silence = Promise.withResolvers<never>()
    const timer = setTimeout(() => silence.reject(new ApiError('request_timeout')), SILENCE_MS)
    try {
      return await Promise.race([reader!.read(), silence.promise])
    } finally {
      clearTimeout(timer)
    }
  }

  async function readUntil(bytes: number): Promise<void> {
    while (!isWhole && size < bytes) {
      const next = await readChunk()
      if (next.done) isWhole = true
      else {
        chunks.push(next.value)
        size += next.value.byteLength
      }
    }
  }
  function join(): Uint8Array {
    if (chunks.length > 1) {
      const bytes = new Uint8Array(size)
      let at = 0
      // Each chunk is let go once it is copied: a body is never held twice as a whole.
      for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) {
        bytes.set(chunk, at)
        at += chunk.byteLength
      }
      chunks.push(bytes)
    }
    return chunks[0] ?? new Uint8Array()
  }

  return {
    declaredBytes,
    async readHead() {
      await readUntil(HEAD_BYTES)
      return { bytes: join(), isWhole }
    },
    async *read(limit, tooLarge) {
      if ((declaredBytes ?? 0) > limit) throw new ApiError(tooLarge)
      for (;;) {
        if (size > limit) throw new ApiError(tooLarge)
        // Each piece is let go once it is handed on: a body is never held twice.
        for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) yield chunk
        if (isWhole) return
        await readUntil(size + 1)
      }
    },
    isPending: () => !isWhole,
    async drain() {
      chunks.length = 0
      const timer = setTimeout(() => reader?.cancel().catch(() => {}), DRAIN_MS)
      try {
        for (let taken = 0; !isWhole && taken < DRAIN_BYTES; ) {
          const next = await reader!.read()
          if (next.done) return
          taken += next.value.byteLength
        }
        await reader?.cancel()
      } catch {
        // The client is gone: nobody waits for this body's end.
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/**
 * Sends `response` at once and ends it only when the client has sent its body: a server that closes earlier resets the
 * connection, and a client that is still writing then never sees the answer. Content-Length tells it the end all the
 * same. For short answers: the body is held in memory.
 */
export async function answerThenDrain(response: Response, body: RequestBody): Promise<Response> {
  if (response.body === null) return response
  const bytes = new Uint8Array(await response.arrayBuffer())
  const { readable, writable } = new FixedLengthStream(bytes.byteLength)
  const drained = body.drain()
  const send = async () => {
    const writer = writable.getWriter()
    await writer.write(bytes)
    await drained
    await writer.close()
  }
  // Fails when the client is gone, and then nobody waits for the end.
  void send().catch(() => {})
  return new Response(readable, response)
}
