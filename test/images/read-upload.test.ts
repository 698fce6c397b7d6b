import { describe, expect, it } from 'vitest'
import { limitBody, peekUpload, readUpload, readUploadForm } from '../../src/images/read-upload.ts'

const LIMIT = 1000
const image = Uint8Array.from({ length: 300 }, (_, i) => (i * 7) % 256)
const base64 = Buffer.from(image).toString('base64')

async function* inPieces(bytes: Uint8Array, length = 64): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}
const read = (body: Uint8Array | string, contentType: string | null, limit = LIMIT) =>
  readUpload(inPieces(typeof body === 'string' ? Buffer.from(body) : body), contentType, limit)
const readJson = (body: unknown, limit?: number) => read(JSON.stringify(body), 'application/json', limit)

/** A form as `fetch` sends it. */
async function createForm(parts: Readonly<Record<string, Uint8Array<ArrayBuffer> | string>>) {
  const form = new FormData()
  for (const [name, value] of Object.entries(parts)) {
    if (typeof value === 'string') form.append(name, value)
    else form.append(name, new Blob([value], { type: 'image/png' }), 'ä "quoted".png')
  }
  const answer = new Response(form)
  return { body: new Uint8Array(await answer.arrayBuffer()), type: answer.headers.get('content-type')! }
}
const readForm = async (parts: Parameters<typeof createForm>[0], limit = LIMIT) => {
  const { body, type } = await createForm(parts)
  return read(body, type, limit)
}
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('the image of an upload', () => {
  it.each(['image', 'file'])('is the field "%s" of a form, whatever stands beside it', async (field) => {
    const found = await readForm({ note: 'hello', [field]: image, last: 'x' })
    expect(toHex(found)).toBe(toHex(image))
  })

  it('is the field "image" where there is one', async () => {
    expect(toHex(await readForm({ image, file: new Uint8Array([1]) }))).toBe(toHex(image))
    expect(toHex(await readForm({ file: 'a text', image }))).toBe(toHex(image))
  })

  it.each([
    ['base64', base64],
    ['base64 without padding', base64.replace(/=+$/, '')],
    ['base64 with line breaks', base64.replace(/(.{60})/g, '$1\r\n')],
    ['base64 with a space behind every digit', [...base64].join(' ')],
    ['base64url', Buffer.from(image).toString('base64url')],
    ['a data: URI', `data:image/png;base64,${base64}`],
    ['a data: URI with parameters', `DATA:image/png;charset=utf-8;base64,${base64}`],
  ])('is %s in JSON', async (_, file) => {
    expect(toHex(await readJson({ file }))).toBe(toHex(image))
  })

  it.each(['image/png', 'IMAGE/JPEG', 'image/jpg; q=1', 'image/anything'])(
    'is the raw body of type %s',
    async (type) => {
      expect(toHex(await read(image, type))).toBe(toHex(image))
    },
  )

  it('may have just as many bytes as are allowed, in every form', async () => {
    expect(await read(image, 'image/png', 300)).toHaveLength(300)
    expect(await readForm({ image }, 300)).toHaveLength(300)
    expect(await readJson({ file: base64 }, 300)).toHaveLength(300)
  })
})

describe('an upload without an image', () => {
  const nothing = { code: 'no_file', status: 400 }

  it.each([null, '', 'text/plain', 'application/octet-stream', 'application/x-www-form-urlencoded', 'video/mp4'])(
    'of type %s is no_file, and hears what would be right',
    async (type) => {
      await expect(read(image, type)).rejects.toMatchObject({ ...nothing, message: expect.stringContaining('"image"') })
    },
  )

  it.each([
    ['no JSON', '{"file":'],
    ['a list', '["file"]'],
    ['null', 'null'],
    ['JSON without file', '{"image":"AAAA"}'],
    ['a file that is no text', '{"file":[1]}'],
    ['no base64', '{"file":"%%%"}'],
    ['base64 of two alphabets', '{"file":"ab+/ab-_"}'],
    ['base64 that breaks off', '{"file":"AAAAA"}'],
    ['padding in the middle', '{"file":"AA==AAAA"}'],
    ['a data: URI that is not base64', '{"file":"data:image/svg+xml,%3Csvg%2F%3E"}'],
    ['a data: URI without a comma', '{"file":"data:image/png;base64"}'],
    ['bytes that are no UTF-8', '\xff\xfe'],
    ['brackets without end', '['.repeat(500_000)],
    ['objects without end', `[${'{},'.repeat(100_000)}{}]`],
  ])('that is %s is no_file', async (_, body) => {
    await expect(read(Buffer.from(body, 'latin1'), 'application/json')).rejects.toMatchObject(nothing)
  })

  it('whose form has other fields alone is no_file', async () => {
    await expect(readForm({ other: image })).rejects.toMatchObject(nothing)
  })

  it.each([
    ['has no boundary', 'multipart/form-data', '--x\r\n'],
    [
      'has another boundary',
      'multipart/form-data; boundary=y',
      '--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nabc\r\n--x--',
    ],
    [
      'is not whole',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nabc',
    ],
    ['is nonsense', 'multipart/form-data; boundary=x', 'nonsense'],
    ['is empty', 'multipart/form-data; boundary=x', ''],
    [
      'has a header that is no text',
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: \xff\r\n\r\nabc\r\n--x--',
    ],
  ])('whose form %s is no_file', async (_, type, body) => {
    await expect(read(Buffer.from(body, 'latin1'), type)).rejects.toMatchObject(nothing)
  })

  it('whose form has a thousand parts is no_file', async () => {
    const part = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    await expect(read(`${part.repeat(1000)}--x--`, 'multipart/form-data; boundary=x')).rejects.toMatchObject(nothing)
  })
})

describe('an image of the wrong size', () => {
  it('is empty_file when it has no bytes', async () => {
    const empty = { code: 'empty_file', status: 400 }
    await expect(readForm({ image: new Uint8Array() })).rejects.toMatchObject(empty)
    await expect(readJson({ file: '' })).rejects.toMatchObject(empty)
    await expect(read('', 'image/png')).rejects.toMatchObject(empty)
  })

  it('is file_too_large above the limit, in every form', async () => {
    const large = { code: 'file_too_large', status: 400 }
    await expect(read(image, 'image/png', 299)).rejects.toMatchObject(large)
    await expect(readForm({ image }, 299)).rejects.toMatchObject(large)
    await expect(readJson({ file: base64 }, 299)).rejects.toMatchObject(large)
    await expect(readForm({ image, other: 'x'.repeat(2000) })).rejects.toMatchObject(large)
  })

  it('has a body that is cut off by its form', () => {
    const bodies = (['raw', 'multipart', 'json'] as const).map((form) => limitBody(form, 3_000_000))
    expect(bodies).toEqual([3_000_000, 3_065_536, 4_065_536])
    expect(readUploadForm('multipart/form-data; boundary=x')).toBe('multipart')
  })
})

describe('the first bytes of an upload', () => {
  const seen = (bytes: Uint8Array | null) => bytes && toHex(bytes.subarray(0, 16))
  const first = toHex(image.subarray(0, 16))
  const peekJson = (text: string) => peekUpload(Buffer.from(text), 'application/json')
  const peekForm = (text: string) => peekUpload(Buffer.from(text), 'multipart/form-data; boundary=x')
  const header = (fields: string) =>
    `--x\r\nContent-Disposition: form-data; ${fields}\r\nContent-Type: image/png\r\n\r\n`

  it('show the first bytes of its image, in every form', async () => {
    const { body, type } = await createForm({ note: 'a', image })
    expect(seen(peekUpload(image, 'image/png'))).toBe(first)
    expect(seen(peekUpload(body.subarray(0, -100), type))).toBe(first)
    expect(seen(peekJson(`{"file": "${base64}`))).toBe(first)
    expect(seen(peekJson(`{"file":"data:image/png;base64,${base64}`))).toBe(first)
    for (const fields of ['name=image', 'name="image"; filename="a"', 'name="file"; filename="a"']) {
      expect([fields, Buffer.from(peekForm(`${header(fields)}bytes`) ?? []).toString()]).toEqual([fields, 'bytes'])
    }
  })

  it('show nothing where the image is not in sight, or may not be it', () => {
    expect(peekJson('{"note": "')).toBeNull()
    for (const text of [
      header('name="note"'),
      // A text field, whatever it holds.
      `${header('name="note"')}name="image";\r\n\r\nnonsense`,
      `${header('name="file"')}nonsense`,
      'name=file;'.repeat(6000),
      '--x\r\n'.repeat(6000),
    ]) {
      expect([text.slice(0, 90), peekForm(text)]).toEqual([text.slice(0, 90), null])
    }
  })
})
