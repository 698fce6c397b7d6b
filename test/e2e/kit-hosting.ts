import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { createCaller, createPayer, type SignedPayment, sign, stack, v2 } from './kit.ts'
import { at } from './kit-mpp.ts'

export const FREE = '/api/free'
export const TOKEN = '/api/upload/token'
export const UPLOAD = '/api/upload'
/** $0.01 in units of USDC. */
export const CENT = 10_000n
export const DAY_MS = 24 * 60 * 60 * 1000

/** A picture that nobody has uploaded before. */
export const createNoise = (side = 24): Promise<Buffer> =>
  sharp(randomBytes(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toBuffer()

/** The PNG with a private chunk, so that it has just so many bytes. */
export function pad(png: Buffer, bytes: number): Buffer {
  const chunk = Buffer.concat([Buffer.from('paDs'), Buffer.alloc(bytes - png.length - 12)])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(chunk.length - 4)
  sum.writeUInt32BE(crc32(chunk))
  return Buffer.concat([png.subarray(0, 33), length, chunk, sum, png.subarray(33)])
}

/** A form with an image in one of its fields. */
export function createForm(image: Uint8Array, field = 'image', name = 'a.png', type = 'image/png'): FormData {
  const form = new FormData()
  form.append(field, new Blob([image as Uint8Array<ArrayBuffer>], { type }), name)
  return form
}

/** Uploads an image in a form, from an address of its own unless `headers` names one. */
export const upload = (
  path: string,
  image: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(stack.gateway + path, { method: 'POST', body: createForm(image), headers: { ...createCaller(), ...headers } })

/** Sends a body as it is. */
export const send = (path: string, body: BodyInit | null, headers: Readonly<Record<string, string>> = {}) =>
  fetch(stack.gateway + path, { method: 'POST', body, headers: { ...createCaller(), ...headers } })

/** Uploads JSON. */
export const sendJson = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  send(path, JSON.stringify(body), { 'Content-Type': 'application/json', ...headers })

export interface Hosted {
  readonly url: string
  readonly id: string
  readonly contentType: string
  readonly sizeBytes: number
  readonly expiresAt: string
  readonly deleteToken: string
  readonly manageUrl: string
}
export const readHosted = async (answer: Response): Promise<Hosted> => (await answer.json()) as Hosted
export const readError = async (answer: Response) =>
  (await answer.json()) as { error: string; message: string; retryable?: boolean; transaction?: string }

/** Where a hosted file answers here: its host's name goes to the gateway. */
export const locate = ({ url }: Pick<Hosted, 'url'>): string => at('i') + new URL(url).pathname

/** Fetches a hosted file. */
export const get = (file: Pick<Hosted, 'url'>, init: RequestInit = {}, query = ''): Promise<Response> =>
  fetch(locate(file) + query, init)

/** A payment of one cent. */
export const signCent = async (account: Parameters<typeof sign>[0]): Promise<SignedPayment> =>
  sign(account, { value: CENT })

/** A payment of one cent by somebody who has two. */
export const payCent = async (): Promise<SignedPayment> => signCent(await createPayer(20_000n))
export const withToken = (token: string) => ({ 'X-Upload-Token': token })
export const replay = (answer: Response): string | null => answer.headers.get('idempotent-replayed')

/** Buys a token, and gives it. */
export const buyToken = (payment: SignedPayment, headers: Readonly<Record<string, string>> = {}) =>
  send(TOKEN, null, { ...v2(payment), ...headers })
export const readToken = async (answer: Response): Promise<string> => ((await answer.json()) as { token: string }).token

/** What the gateway has in R2. */
export const readKeys = async (): Promise<string[]> => (await (await fetch(`${stack.control}/keys`)).json()) as string[]

/** Hours until the records of a file are due: 26 for a provisional one. */
export const hoursOfRecords = (keys: readonly string[], id: string): number[] =>
  keys
    .filter((key) => key.startsWith('hosting/expires/') && key.endsWith(`/${id}`))
    .map((key) => Math.round((Date.parse(key.split('/')[2]!) - Date.now()) / 3_600_000))
    .sort((a, b) => a - b)
