import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as ort from 'onnxruntime-node'
import sharp, { type Sharp } from 'sharp'
import { defaultMatteModel } from '../../models/index.ts'
import { locateModel } from '../../models/verify.ts'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { type CutTools, cutOut } from '../../workers/matte/cut.ts'
import { root } from './bundle.ts'
import { drawComposites, height, width } from './composites.ts'
import { type Bench, type Row, round } from './table.ts'

const folder = join(root, '.build/sheets')
const photos = ['capsule', 'flower', 'landscape', 'lantern', 'tower']
const grounds = ['000000', 'ffffff', '00b140']
/** One picture on a sheet, in pixels, and what part of the picture is shown closely. */
const cell = { width: 400, height: 300 }
const close = { width: 160, height: 120 }

const { input, output } = defaultMatteModel

async function createTools(): Promise<CutTools> {
  const session = await ort.InferenceSession.create(locateModel(defaultMatteModel))
  const unused = () => Promise.reject(new Error('sheets are made of PNG'))
  return {
    model: defaultMatteModel,
    infer: {
      async infer(_, tensor) {
        const feed = new ort.Tensor('float32', tensor, [1, 3, input.size, input.size])
        const data = (await session.run({ [input.name]: feed }))[output.name]?.data as Float32Array
        return { ok: true, alpha: Uint8Array.from(Uint8ClampedArray.from(data, (value) => value * 255)) }
      },
    },
    decodeJpeg: unused,
    decodeWebp: unused,
    encodeWebp: unused,
    explainRefusal: () => null,
    dropFile: () => {},
  }
}

/** The Worker's own answer to a PNG; null where it sees no foreground. */
async function cut(png: Uint8Array, options: Partial<MatteOptions>, tools: CutTools): Promise<Buffer | null> {
  const place = { renew: () => true, leave: () => {}, whenLost: () => {} }
  const result = await cutOut(png, 'png', { ...defaultMatteOptions, ...options }, tools, place)
  if (result.ok) return Buffer.from(await new Response(result.body).arrayBuffer())
  if (result.code === 'no_foreground') return null
  throw new Error(`${result.code} ${result.message ?? ''}`)
}

/** The left upper corner of the part of a mask with the most soft edge in it. */
async function findSoftest(mask: Buffer): Promise<{ left: number; top: number }> {
  const { data, info } = await sharp(mask).extractChannel(0).raw().toBuffer({ resolveWithObject: true })
  let best = { left: 0, top: 0, count: -1 }
  for (let top = 0; top + close.height <= info.height; top += close.height / 2) {
    for (let left = 0; left + close.width <= info.width; left += close.width / 2) {
      let count = 0
      for (let y = top; y < top + close.height; y += 1) {
        const row = data.subarray(y * info.width + left, y * info.width + left + close.width)
        for (const value of row) count += value > 20 && value < 235 ? 1 : 0
      }
      if (count > best.count) best = { left, top, count }
    }
  }
  return best
}

/** Rows of pictures side by side. */
function arrange(rows: readonly (readonly Buffer[])[]): Sharp {
  const overlays = rows.flatMap((row, y) =>
    row.map((picture, x) => ({ input: picture, left: x * cell.width, top: y * cell.height })),
  )
  const size = { width: cell.width * (rows[0]?.length ?? 1), height: cell.height * rows.length }
  return sharp({ create: { ...size, channels: 3, background: '#808080' } }).composite(overlays)
}

/** Input, matte and the cut-out on each ground: whole, and closely with and without refinement. */
async function drawSheet(name: string, png: Uint8Array, tools: CutTools): Promise<Row> {
  const masks = {
    none: await cut(png, { output: 'mask', refine: 'none' }, tools),
    decontaminate: await cut(png, { output: 'mask' }, tools),
  }
  if (!masks.none || !masks.decontaminate) return { sheet: name, foreground: 'none seen', file: '' }
  const corner = await findSoftest(masks.decontaminate)
  const shrink = (picture: Uint8Array) =>
    sharp(picture)
      .resize({ ...cell, fit: 'contain' })
      .removeAlpha()
      .png()
      .toBuffer()
  const enlarge = (picture: Uint8Array) =>
    sharp(picture)
      .extract({ ...corner, ...close })
      .resize({ ...cell, kernel: 'nearest' })
      .removeAlpha()
      .png()
      .toBuffer()
  const pictures = async (refine: MatteOptions['refine']) => {
    const onGrounds = await Promise.all(grounds.map(async (bg) => (await cut(png, { bg, refine }, tools))!))
    return [png, masks[refine]!, ...onGrounds]
  }
  const [plain, refined] = [await pictures('none'), await pictures('decontaminate')]
  const all = [refined.map(shrink), plain.map(enlarge), refined.map(enlarge)]
  const file = join(folder, `${name.replaceAll(/\W+/g, '-')}.png`)
  await arrange(await Promise.all(all.map((row) => Promise.all(row))))
    .png()
    .toFile(file)
  const { channels } = await sharp(masks.decontaminate).stats()
  return { sheet: name, foreground: `${round((channels[0]!.mean / 255) * 100)} %`, file: file.slice(root.length + 1) }
}

export const sheets: Bench = {
  name: 'sheets',
  about:
    `Pictures to look at, from ${defaultMatteModel.id}: input, matte, cut-out on black, white and green; below, closely, ` +
    'with `refine=none` and with `refine=decontaminate`. Share of the foreground.',
  async run() {
    mkdirSync(folder, { recursive: true })
    const tools = await createTools()
    const rows: Row[] = []
    for (const name of photos) {
      const photo = readFileSync(join(root, 'test/fixtures/photos', `${name}.jpg`))
      rows.push(await drawSheet(name, new Uint8Array(await sharp(photo).png().toBuffer()), tools))
    }
    for await (const { name, pixels } of drawComposites()) {
      const raw = { width, height, channels: 4 } as const
      rows.push(await drawSheet(name, new Uint8Array(await sharp(pixels, { raw }).png().toBuffer()), tools))
    }
    return rows
  },
}
