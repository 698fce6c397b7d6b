import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { download, type Expected } from '../../models/download.ts'
import { PullError } from '../../models/pull-error.ts'

const file = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7 + (i >> 8)) & 255))
const half = 100_000
const sum = (algorithm: string, bytes: Uint8Array = file): string => createHash(algorithm).update(bytes).digest('hex')

type Answer = (request: IncomingMessage, response: ServerResponse) => void
let folder: string
let target: string
let url: string
let answer: Answer
let asked: (string | undefined)[]
let close: () => Promise<void>
let hangUp: () => void

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pixtoll-download-'))
  target = join(folder, 'pulled/model.onnx')
  asked = []
  hangUp = () => {}
  const server = createServer((request, response) => {
    asked.push(request.headers.range)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.onnx`
  close = () =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
})
afterEach(async () => {
  await close()
  rmSync(folder, { recursive: true })
})

/** As RFC 9110 has it: ranges, and `If-Range` with the tag that the file has now. */
const serve =
  (bytes: Uint8Array, etag: string | null = '"one"'): Answer =>
  ({ headers }, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
    const isPart = from !== undefined && headers['if-range'] === etag
    if (etag) response.setHeader('ETag', etag)
    if (isPart && Number(from) >= bytes.length) return void response.writeHead(416).end()
    if (isPart) response.setHeader('Content-Range', `bytes ${from}-${bytes.length - 1}/${bytes.length}`)
    const sent = bytes.subarray(isPart ? Number(from) : 0)
    response.writeHead(isPart ? 206 : 200, { 'Content-Length': sent.length }).end(sent)
  }

/** Says that it sends all, sends half, and hangs up when that has arrived. */
const cutWith =
  (headers: Record<string, string>): Answer =>
  (_, response) => {
    response.writeHead(200, { ...headers, 'Content-Length': file.length }).write(file.subarray(0, half))
    hangUp = () => response.destroy()
  }
const cut = cutWith({ ETag: '"one"' })

const pull = (changes: Partial<Expected> = {}, seen: [number, number | null][] = []) => {
  const expected = { url, sha256: sum('sha256'), md5: null, bytes: file.length, mostBytes: file.length }
  return download(target, { ...expected, ...changes }, (here, ofAll) => {
    seen.push([here, ofAll])
    if (here === half) hangUp()
  })
}
/** The same, which must fail. */
async function fail(changes: Partial<Expected> = {}): Promise<string> {
  const error = await pull(changes).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(PullError)
  return (error as PullError).message
}
const left = (): string[] => readdirSync(join(folder, 'pulled')).sort()
const isWhole = (): boolean => readFileSync(target).equals(file)

describe('a download', () => {
  it('is whole and verified, and nothing else is left', async () => {
    answer = serve(file)
    const seen: [number, number | null][] = []
    expect(await pull({}, seen)).toBe(sum('sha256'))
    expect([isWhole(), left()]).toEqual([true, ['model.onnx']])
    expect(seen.at(-1)).toEqual([file.length, file.length])
    expect(seen.every(([here], i) => here > (seen[i - 1]?.[0] ?? 0))).toBe(true)
  })

  it('goes on where the connection broke, and verifies the whole', async () => {
    answer = cut
    expect(await fail()).toMatch(/broke after 100000 bytes\. Run it again/)
    expect(left()).toEqual(['model.onnx.part', 'model.onnx.part.json'])
    answer = serve(file)
    await pull()
    expect([asked, isWhole(), left()]).toEqual([[undefined, `bytes=${half}-`], true, ['model.onnx']])
  })

  it('notices that what it went on with was damaged in between', async () => {
    answer = cut
    await fail()
    writeFileSync(`${target}.part`, Buffer.alloc(half))
    answer = serve(file)
    expect(await fail()).toMatch(/has sha256/)
    expect(left()).toEqual([])
  })

  it.each<[string, () => Answer]>([
    [
      'does not know ranges',
      () => (_, response) => void response.writeHead(200, { ETag: '"one"', 'Content-Length': file.length }).end(file),
    ],
    ['has another file by now', () => serve(file, '"two"')],
    [
      'sends a range of another file all the same',
      () => (request, response) => {
        const bytes = { ETag: '"two"', 'Content-Range': `bytes ${half}-${file.length - 1}/${file.length}` }
        if (request.headers.range) response.writeHead(206, bytes).end(Buffer.alloc(file.length - half))
        else serve(file, '"two"')(request, response)
      },
    ],
    [
      'sends another range than was asked for',
      () => (request, response) => {
        const bytes = { ETag: '"one"', 'Content-Range': `bytes 0-${half - 1}/${file.length}` }
        if (request.headers.range) response.writeHead(206, bytes).end(file.subarray(0, half))
        else serve(file)(request, response)
      },
    ],
  ])('begins anew where the server %s', async (_, create) => {
    answer = cut
    await fail()
    answer = create()
    await pull()
    expect([isWhole(), left()]).toEqual([true, ['model.onnx']])
  })

  it('goes on where the server sent less of a range than was asked for, and takes that for no whole', async () => {
    answer = cut
    await fail()
    const [from, to] = [half, half + 50_000]
    answer = (_, response) => {
      const headers = { ETag: '"one"', 'Content-Range': `bytes ${from}-${to - 1}/${file.length}` }
      response.writeHead(206, { ...headers, 'Content-Length': to - from }).end(file.subarray(from, to))
    }
    expect(await fail({ sha256: null, bytes: null })).toMatch(/sent 150000 of 200000 bytes\. Run it again/)
    answer = serve(file)
    await pull()
    expect([asked.at(-1), isWhole(), left()]).toEqual([`bytes=${to}-`, true, ['model.onnx']])
  })

  it('begins anew where a part is as long as the file or longer', async () => {
    answer = cut
    await fail()
    writeFileSync(`${target}.part`, Buffer.alloc(file.length + 1))
    answer = serve(file)
    await pull()
    expect([isWhole(), asked.at(-1)]).toEqual([true, undefined])
  })

  it.each([null, 'W/"weak"'])('begins anew where the file had no tag that tells bytes: %s', async (etag) => {
    answer = cutWith(etag ? { ETag: etag } : {})
    await fail()
    answer = serve(file)
    await pull()
    expect([isWhole(), asked]).toEqual([true, [undefined, undefined]])
  })
})

describe('a download fails, with a reason and nothing left, where', () => {
  it.each<[string, Partial<Expected>, RegExp]>([
    ['the sha256 is another', { sha256: 'ab' }, /has sha256 [\da-f]{64}; its row says ab\. What came is removed/],
    ['the md5 is another', { md5: 'cd' }, /has md5 [\da-f]{32}; its row says cd/],
    ['it is shorter than its row says', { bytes: file.length + 1 }, /has bytes 200000; its row says 200001/],
    ['it says that it is larger than it may be', { mostBytes: half }, /holds more than the 100000 bytes/],
  ])('%s', async (_, changes, message) => {
    answer = serve(file)
    expect(await fail(changes)).toMatch(message)
    expect([left(), existsSync(target)]).toEqual([[], false])
  })

  it('it is larger than it may be without saying so', async () => {
    answer = (_, response) => void response.writeHead(200, { ETag: '"one"' }).end(file)
    expect(await fail({ mostBytes: half })).toMatch(/holds more than the 100000 bytes/)
    expect(left()).toEqual([])
  })

  it('there is nothing', async () => {
    answer = (_, response) => void response.writeHead(404).end('none')
    expect(await fail()).toMatch(/answered 404 for http/)
    expect(left()).toEqual([])
  })

  it.skipIf(!existsSync('/dev/full'))('the disk is full, which is not the connection’s fault', async () => {
    mkdirSync(join(folder, 'pulled'))
    symlinkSync('/dev/full', `${target}.part`)
    answer = serve(file)
    expect(await fail()).toMatch(/model\.onnx\.part could not be written: ENOSPC.*Run it again/)
  })

  it('nobody listens', async () => {
    await close()
    expect(await fail()).toMatch(/could not be reached: .*Run it again/)
  })
})

it('an md5 is enough where no other sum is known', async () => {
  answer = serve(file)
  expect(await pull({ sha256: null, md5: sum('md5'), bytes: null })).toBe(sum('sha256'))
  expect(isWhole()).toBe(true)
})
