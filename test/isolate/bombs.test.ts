import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleWorker } from '../bench/bundle.ts'
import { startWorkerd, type Workerd } from '../bench/workerd.ts'
import { readOdd } from '../images/odd-images.ts'
import { createChunk, createIhdr, createPng, pngSignature } from '../images/png-writer.ts'

let workerd: Workerd
beforeAll(async () => {
  workerd = await startWorkerd(bundleWorker('test/bench/workers/matte.toml'))
}, 60_000)
afterAll(() => workerd?.stop())

type Bytes = Uint8Array<ArrayBuffer>

async function cut(body: Bytes, format: string): Promise<{ status: number; message: string }> {
  const headers = { 'Content-Type': `image/${format}` }
  const answer = await fetch(workerd.url, { method: 'POST', body, headers })
  const text = await answer.text()
  return { status: answer.status, message: answer.status === 200 ? '' : text }
}

const pixel = { width: 1, height: 1, bitDepth: 8, colourType: 0 }
const zeros = (length: number) => deflateSync(new Uint8Array(length), { level: 9 })
const named = (type: string, data: Buffer) => createChunk(type, Buffer.concat([Buffer.from('p\0\0'), data]))

/** A sound PNG whose data lies in parts of one byte, with as many empty parts between them. */
function splitFinely(): Bytes {
  const data = deflateSync(new Uint8Array(301 * 200).map((_, i) => (i % 301 ? (i * 7919) % 251 : 0)))
  const parts = [...data].flatMap((byte) => [createChunk('IDAT', Uint8Array.of(byte)), createChunk('IDAT')])
  const ihdr = createIhdr({ ...pixel, width: 300, height: 200 })
  return new Uint8Array(Buffer.concat([pngSignature, ihdr, ...parts.slice(0, 48_000), createChunk('IEND')]))
}

/** JPEG segments without content. */
function createSegments(count: number): Bytes {
  const file = readOdd('base.jpg')
  const segments = Buffer.alloc(count * 4, Buffer.from([0xff, 0xe1, 0, 2]))
  return new Uint8Array(Buffer.concat([file.subarray(0, 2), segments, file.subarray(2)]))
}

async function repeatScan(count: number): Promise<Bytes> {
  const picture = sharp({ create: { width: 64, height: 64, channels: 3, background: '#666' } })
  const file = await picture.jpeg({ progressive: true }).toBuffer()
  const scan = file.subarray(file.lastIndexOf(Buffer.from([0xff, 0xda])), -2)
  return new Uint8Array(Buffer.concat([file.subarray(0, -2), ...Array(count).fill(scan), file.subarray(-2)]))
}

/** A lossless WebP of 300 KB that names 65,536 groups of prefix codes, for which a decoder keeps gigabytes of tables. */
function createCodeGroups(): Bytes {
  const bytes: number[] = []
  let [current, filled] = [0, 0]
  const put = (value: number, bits: number) => {
    for (let i = 0; i < bits; i += 1) {
      current |= ((value >>> i) & 1) << filled
      filled += 1
      if (filled < 8) continue
      bytes.push(current)
      current = 0
      filled = 0
    }
  }
  const putAll = (...pairs: readonly (readonly [value: number, bits: number])[]) => {
    for (const [value, bits] of pairs) put(value, bits)
  }
  // RFC 9649, 3.7.2.1: one symbol, and codes of 8 bits for the first 256 symbols.
  const putSimple = () => putAll([1, 1], [0, 1], [0, 1], [0, 1])
  const putNormal = (symbols: number) => {
    putAll([0, 1], [8, 4])
    for (let i = 0; i < 12; i += 1) put(i === 2 || i === 11 ? 1 : 0, 3)
    put(0, 1)
    for (let i = 0; i < symbols; i += 1) put(i < 256 ? 1 : 0, 1)
  }
  // Signature, 1024 x 1024, no alpha, version 0, no transform, no cache, meta prefix codes in blocks of 4 x 4.
  putAll([0x2f, 8], [1023, 14], [1023, 14], [0, 1], [0, 3], [0, 1], [0, 1], [1, 1], [0, 3], [0, 1])
  putNormal(280)
  putNormal(256)
  for (let i = 0; i < 3; i += 1) putSimple()
  for (let i = 0; i < 65_536; i += 1) put(i, 16)
  for (let i = 0; i < 65_536 * 5; i += 1) putSimple()
  const data = Buffer.concat([Buffer.from(bytes), Buffer.alloc(10 - (bytes.length & 1))])
  const header = Buffer.from('RIFF....WEBPVP8L....', 'latin1')
  header.writeUInt32LE(12 + data.length, 4)
  header.writeUInt32LE(data.length, 16)
  return new Uint8Array(Buffer.concat([header, data]))
}

const bombs: readonly [
  name: string,
  format: string,
  create: () => Bytes | Promise<Bytes>,
  why: RegExp,
  most: number,
][] = [
  ['256 MB of data behind one pixel', 'png', () => createPng(pixel, new Uint8Array(256 << 20)), /^$|damaged PNG/, 32],
  [
    'a profile of 64 MB',
    'png',
    () => createPng(pixel, Uint8Array.of(0, 0), [named('iCCP', zeros(64 << 20))]),
    /^$/,
    32,
  ],
  [
    'a text of 64 MB',
    'png',
    () => createPng(pixel, Uint8Array.of(0, 0), [named('zTXt', zeros(64 << 20))]),
    /^$|damaged PNG/,
    32,
  ],
  [
    '100 megapixels of one bit',
    'png',
    () => createPng({ ...pixel, width: 10_000, height: 10_000, bitDepth: 1 }, new Uint8Array(1251 * 10_000)),
    /at most/,
    32,
  ],
  ['data in 48,000 parts', 'png', splitFinely, /^$|truncated PNG|damaged PNG/, 64],
  [
    'more chunks than any writer makes',
    'png',
    () => createPng(pixel, Uint8Array.of(0, 0), Array(60_000).fill(createChunk('teXt'))),
    /50000 chunks/,
    32,
  ],
  ['more segments than any writer makes', 'jpeg', () => createSegments(2_000_000), /2000 segments/, 64],
  ['more scans than any encoder writes', 'jpeg', () => repeatScan(300), /too many scans/, 32],
  ['code tables of gigabytes', 'webp', createCodeGroups, /more memory/, 100],
]

it.runIf(process.platform === 'linux').each(bombs)(
  'a bomb of %s meets a bound',
  async (_, format, create, why, most) => {
    const bomb = await create()
    const before = workerd.readMemory().now
    workerd.forgetPeak()
    const { status, message } = await cut(bomb, format)
    expect([200, 400]).toContain(status)
    expect(message).toMatch(why)
    expect(workerd.readMemory().peak - before).toBeLessThan(most)
    const sound = { png: 'base.png', jpeg: 'base.jpg', webp: 'lossy.webp' }[format]!
    expect((await cut(readOdd(sound), format)).status).toBe(200)
  },
)
