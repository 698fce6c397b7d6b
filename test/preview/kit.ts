import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { encodePng } from '../../workers/matte/png-encoder.ts'
import { FrameEncoder } from '../../workers/preview/frame-encoder.ts'
import { createPainter, type Size } from '../../workers/preview/paint.ts'
import { createScene } from '../../workers/preview/scene.ts'
import { renderVideo } from '../../workers/preview/video.ts'
import { readAll } from '../matte/streams.ts'

const wasm = readFileSync(createRequire(import.meta.url).resolve('@jsquash/webp/codec/enc/webp_enc_simd.wasm'))

/** The encoder as the Worker has it, on the same wasm. Workers' types know no constructor of modules. */
export const createEncoder = (): FrameEncoder =>
  new FrameEncoder(Reflect.construct(WebAssembly.Module, [wasm]) as WebAssembly.Module)

/** Red, green and blue of every pixel of a prompt's picture, or of a moment of its video. */
export async function paint(prompt: string, size: Size, time = 0): Promise<Uint8Array> {
  const draw = createPainter(await createScene(prompt), size, time)
  const pixels = new Uint8Array(size.width * size.height * 3)
  for (let y = 0; y < size.height; y += 1) draw(y, pixels, y * size.width * 3)
  return pixels
}

/** A prompt's picture as a PNG, as the Worker encodes it. */
export async function encodePicture(prompt: string, size: Size): Promise<Uint8Array<ArrayBuffer>> {
  const painter = createPainter(await createScene(prompt), size)
  return readAll(encodePng({ ...size, kind: 'rgb' }, painter, () => {}))
}

/** A prompt's video, whole. */
export async function encodeVideo(prompt: string, size: Size, seconds: number, frameRate: number): Promise<Buffer> {
  const plan = { ...size, seconds, frameRate }
  const parts = await renderVideo(await createScene(prompt), plan, createEncoder(), async () => true)
  return Buffer.concat(parts ?? [])
}

/** Mean red, green and blue within a box, whose sides are shares of the picture's. */
export function average(
  pixels: Uint8Array,
  { width, height }: Size,
  [left, top, right, bottom]: readonly [number, number, number, number],
): [red: number, green: number, blue: number] {
  const sum: [number, number, number] = [0, 0, 0]
  let count = 0
  for (let y = Math.floor(top * height); y < bottom * height; y += 1) {
    for (let x = Math.floor(left * width); x < right * width; x += 1, count += 1) {
      for (const c of [0, 1, 2] as const) sum[c] += pixels[(y * width + x) * 3 + c]!
    }
  }
  return [sum[0] / count, sum[1] / count, sum[2] / count]
}

/** Mean difference of two pictures' values, 0 to 255. */
export function compare(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) throw new Error(`${one.length} bytes and ${other.length} bytes are two sizes`)
  return one.reduce((sum, value, at) => sum + Math.abs(value - other[at]!), 0) / one.length
}
