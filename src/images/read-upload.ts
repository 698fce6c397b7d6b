import { Buffer } from 'node:buffer'
import { MaxFileSizeExceededError, MaxTotalSizeExceededError, MultipartParser } from '@remix-run/multipart-parser'
import { ApiError } from '../errors.ts'
import { parseWithLongStrings, type StringSink } from '../json-strings.ts'
import { Base64Reader } from './base64.ts'

/** How an upload's image travels in its request. */
export type UploadForm = 'multipart' | 'json' | 'raw'

/** Room for the other fields and the headers of a form, and for the text around base64. */
const OVERHEAD_BYTES = 64 * 1024
/** Room that is made for a body before it comes. */
const FIRST_BYTES = 512 * 1024
/** More than this besides the image is no JSON of an upload. */
const MAX_JSON_BYTES = 16 * 1024
/** A form with more parts is no upload of one image. */
const MAX_PARTS = 20
/** The names under which a form may hold the image, the first that is there. */
const fields: readonly string[] = ['image', 'file']

const FORMS =
  'Send the image as multipart/form-data in the field "image", as JSON {"file": base64}, or as the raw body with its ' +
  'own Content-Type, such as image/png.'

const refuse = (problem: string): never => {
  throw new ApiError('no_file', { message: `${problem} ${FORMS}` })
}

/** The form that a Content-Type announces. @throws ApiError `no_file` for any other */
export function readUploadForm(contentType: string | null): UploadForm {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === 'multipart/form-data') return 'multipart'
  if (type === 'application/json') return 'json'
  if (type.startsWith('image/')) return 'raw'
  return refuse(type ? `A body of type ${type.slice(0, 60)} holds no image.` : 'The request holds no image.')
}

/** The most bytes that a request may have whose image has `bytes` at most. */
export function limitBody(form: UploadForm, bytes: number): number {
  if (form === 'raw') return bytes
  return OVERHEAD_BYTES + (form === 'json' ? Math.ceil(bytes / 3) * 4 : bytes)
}

/** All of a body in one array. Its pieces are empty afterwards: an image is never held twice. */
async function collect(pieces: AsyncIterable<Uint8Array>, expected: number): Promise<Uint8Array> {
  // Room for all that is announced is made only once some of it has come.
  let bytes = new Uint8Array(Math.min(expected, FIRST_BYTES))
  let size = 0
  for await (const piece of pieces) {
    if (size + piece.byteLength > bytes.byteLength) {
      const larger = new Uint8Array(Math.max(expected, 2 * bytes.byteLength, size + piece.byteLength))
      larger.set(bytes.subarray(0, size))
      bytes = larger
    }
    bytes.set(piece, size)
    size += piece.byteLength
    // Frees its memory now, and not some time after all of the body has come.
    if (piece.byteLength === piece.buffer.byteLength) (piece.buffer as ArrayBuffer).transfer(0)
  }
  return size === bytes.byteLength ? bytes : bytes.subarray(0, size)
}

function readBoundary(contentType: string): string | null {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? []
  return quoted ?? plain ?? null
}

/** RFC 7578. The image is a view of the body. */
function findFile(body: Uint8Array, contentType: string, limit: number): Uint8Array {
  const boundary = readBoundary(contentType)
  if (!boundary) return refuse('The form has no boundary.')
  const sizes = { maxFileSize: limit, maxTotalSize: limit + OVERHEAD_BYTES, maxParts: MAX_PARTS }
  const parser = new MultipartParser(boundary, sizes)
  try {
    const parts = [...parser.write(body)]
    parser.finish()
    const found = fields.flatMap((field) => parts.filter(({ name }) => name === field))[0]
    return (found && (found.content[0] ?? new Uint8Array())) ?? refuse('The form has no field "image".')
  } catch (error) {
    if (error instanceof ApiError) throw error
    if (error instanceof MaxFileSizeExceededError || error instanceof MaxTotalSizeExceededError)
      throw new ApiError('file_too_large')
    return refuse('The form cannot be read: it is not whole, or its boundary is not the one in Content-Type.')
  }
}

/** The text in "file": base64, or a data: URI of it (RFC 2397). Never throws while it comes: another field may be junk. */
class FileText implements StringSink {
  readonly #reader: Base64Reader
  #isFirst = true
  #isOther = false

  constructor(expected: number) {
    this.#reader = new Base64Reader(expected, FIRST_BYTES)
  }

  write(text: string): void {
    // The first piece is long enough for what stands before the data.
    const [prefix = ''] = (this.#isFirst && /^\s*data:[^,]*,?/i.exec(text)) || []
    this.#isFirst = false
    this.#isOther ||= prefix !== '' && !/;base64\s*,$/i.test(prefix)
    this.#reader.write(text.slice(prefix.length))
  }

  end(): this {
    return this
  }

  /** @throws ApiError `no_file` */
  decode(): Uint8Array {
    if (this.#isOther) return refuse('The data: URI is not base64.')
    return this.#reader.end() ?? refuse('The text in "file" is not base64.')
  }
}

/** RFC 8259. The text of the image is never held, only its bytes. */
async function readJson(pieces: AsyncIterable<Uint8Array>, expected: number): Promise<Uint8Array> {
  let room = expected
  const openSink = () => {
    const sink = new FileText(room)
    // Usually there is one long string; whoever sends many gets no room in advance.
    room = 0
    return sink
  }
  const body = await parseWithLongStrings(pieces, openSink, MAX_JSON_BYTES).catch((error: unknown): never => {
    if (error instanceof ApiError) throw error
    return refuse('The body is not JSON.')
  })
  const file = typeof body === 'object' && body !== null && 'file' in body ? body.file : undefined
  if (file instanceof FileText) return file.decode()
  if (typeof file !== 'string') return refuse('The JSON has no text "file".')
  const short = new FileText(0)
  short.write(file)
  return short.decode()
}

/**
 * The image in an upload's body, whatever form it came in. What it is has still to be judged.
 * @param pieces the whole body, at most `limitBody` bytes of it; they are given away
 * @param limit the most bytes that the image may have
 * @param declared Content-Length, where there is one
 * @throws ApiError `no_file` when there is none to be read, `empty_file`, `file_too_large`; whatever `pieces` throws
 */
export async function readUpload(
  pieces: AsyncIterable<Uint8Array>,
  contentType: string | null,
  limit: number,
  declared: number | null = null,
): Promise<Uint8Array> {
  const form = readUploadForm(contentType)
  // What it says of its length is believed as far as it is allowed, and no further.
  const expected = Math.min(declared ?? 0, limitBody(form, limit))
  const readers = {
    multipart: async () => findFile(await collect(pieces, expected), contentType!, limit),
    json: () => readJson(pieces, Math.min(limit, Math.floor((expected / 4) * 3))),
    raw: () => collect(pieces, expected),
  }
  const image = await readers[form]()
  if (image.byteLength === 0) throw new ApiError('empty_file')
  if (image.byteLength > limit) throw new ApiError('file_too_large')
  return image
}

/** Where the image begins in the first bytes of a form: behind the header of a part that can be nothing else. */
function findPart(text: string, boundary: string): number | null {
  const delimiter = `--${boundary}\r\n`
  for (let at = text.indexOf(delimiter); at >= 0; at = text.indexOf(delimiter, at + 1)) {
    const end = text.indexOf('\r\n\r\n', at)
    const header = text.slice(at, end)
    // A field "file" that is text may stand before the image.
    const isImage = /\bname="?image"?(?:;|\r|$)/.test(header) || /\bname="?file"?;\s*filename/.test(header)
    if (end < 0 || isImage) return end < 0 ? null : end + 4
  }
  return null
}

/** The first bytes of an upload's image, where they can be seen in the first bytes of its body; else null. */
export function peekUpload(head: Uint8Array, contentType: string | null): Uint8Array | null {
  const form = readUploadForm(contentType)
  if (form === 'raw') return head
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1')
  if (form === 'json') {
    const [, digits] = /"file"\s*:\s*"(?:data:[^",]{0,100},)?([A-Za-z\d+/_-]{64})/.exec(text) ?? []
    return digits ? Buffer.from(digits, 'base64') : null
  }
  const boundary = readBoundary(contentType!)
  const start = boundary && findPart(text, boundary)
  return start ? head.subarray(start) : null
}
