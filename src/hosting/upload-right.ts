import { Buffer } from 'node:buffer'
import type { HostedFile } from './hosted-file.ts'

/** The route whose challenges both paid ways to an upload share. */
export const UPLOAD_ROUTE = '/api/upload'

/** What a payment for an upload buys, as its result is kept: whoever has paid may use it once. */
export interface UploadRight {
  /** Name of the upload token's object. */
  readonly name: string
  /** The image that the payment came with, stored but not yet spent on. */
  readonly stored: { readonly upload: string; readonly file: HostedFile } | null
}

/** A fresh right, as the result of paid work. */
export function createRight(stored: UploadRight['stored']) {
  const right: UploadRight = { name: Buffer.from(crypto.getRandomValues(new Uint8Array(10))).toString('hex'), stored }
  const body = new Response(JSON.stringify(right)).body as ReadableStream<Uint8Array>
  return { status: 200, headers: { 'Content-Type': 'application/json' }, body } as const
}

/** The right in a kept result. */
export const readRight = (answer: Response): Promise<UploadRight> => answer.json<UploadRight>()
