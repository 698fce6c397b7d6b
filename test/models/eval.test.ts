import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'
import { composites } from '../../models/eval/composites.ts'
import { createEvalModel, type EvalModel, findRow } from '../../models/eval/eval-model.ts'
import { cutOut, evaluate, type Result, summarize } from '../../models/eval/evaluate.ts'
import { formatFigures } from '../../models/eval/figures.ts'
import { readFolder } from '../../models/eval/folders.ts'
import { Sheet } from '../../models/eval/sheet.ts'
import { UsageError } from '../../models/eval/usage-error.ts'
import { orient, type Picture } from '../../workers/matte/picture.ts'
import { discAlpha, discModel } from '../container/kit.ts'

const { size } = discModel.input
const [width, height] = [120, 90]

/** Sees what is brighter than the middle. */
const bright = createEvalModel({
  model: discModel,
  infer: async (tensor) => ({
    alpha: Uint8Array.from({ length: size * size }, (_, i) => (tensor[i]! > 0.5 ? 255 : 0)),
    size,
  }),
})
const disc = createEvalModel({ model: discModel, infer: async () => ({ alpha: discAlpha, size }) }, 'disc')
/** Sees fog, and nothing above one half. */
const blind: EvalModel = createEvalModel(
  { model: discModel, infer: async () => ({ alpha: new Uint8Array(size * size).fill(100), size }) },
  'blind',
)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixtoll-eval-'))
  return () => rmSync(folder, { recursive: true })
})

/** Writes a white box on black, or its mask; the box lies on the left, as far as `share` of the width. */
async function draw(path: string, share = 0.5, shape = { width, height }): Promise<void> {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  const box = { width: Math.max(1, Math.round(shape.width * share)), height: shape.height }
  const white = await sharp({ create: { ...box, channels: 3, background: '#fff' } })
    .png()
    .toBuffer()
  await sharp({ create: { ...shape, channels: 3, background: '#000' } })
    .composite([{ input: white, left: 0, top: 0 }])
    .toFile(join(folder, path))
}
const names = async () =>
  (await readFolder(folder)).map(({ name, examples }) => [
    name.split('/').slice(1).join('/'),
    examples.map((example) => example.name),
  ])

describe('a folder of pairs', () => {
  it('is a set, and each folder in it is one; photographs without masks are left out', async () => {
    for (const path of ['b.jpg', 'b.png', 'a.webp', 'a.png', 'alone.jpg', 'stray.png', 'in/c.jpeg', 'in/c.png'])
      await draw(path)
    expect(await names()).toEqual([
      ['', ['a', 'b']],
      ['in', ['c']],
    ])
  })
  it('may have its masks apart: then photographs may be PNG, too', async () => {
    for (const path of ['x/images/one.png', 'x/masks/one.png', 'x/images/two.jpg', 'x/masks/two.png']) await draw(path)
    expect(await names()).toEqual([['x', ['one', 'two']]])
  })
  it('gives photographs upright, and masks by their brightness or by the alpha of a cut-out', async () => {
    const [photo, mask] = [join(folder, 'a.jpg'), join(folder, 'a.png')]
    await draw('upright.png')
    await sharp(join(folder, 'upright.png')).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toFile(photo)
    await draw('a.png')
    const [set] = await readFolder(folder)
    const { picture, truth } = await set!.examples[0]!.open()
    expect([picture.width, picture.height, picture.pixels[0]! > 250, truth.values[0]]).toEqual([120, 90, true, 1])
    const grey = await sharp(mask).extractChannel(0).raw().toBuffer()
    const cut = sharp({ create: { width, height, channels: 3, background: '#123' } })
    const alpha = cut.joinChannel(grey, { raw: { width, height, channels: 1 } })
    await sharp(await alpha.png().toBuffer()).toFile(mask)
    const again = await (await readFolder(folder))[0]!.examples[0]!.open()
    expect(again.truth).toEqual(truth)
  })
  it('names both files of a pair whose sizes differ', async () => {
    await draw('a.jpg')
    await draw('a.png', 0.5, { width: 60, height: 90 })
    const [set] = await readFolder(folder)
    await expect(set!.examples[0]!.open()).rejects.toThrow(/a\.png has 60 x 90 pixels, and .*a\.jpg has 120 x 90/)
  })
})

it.each([
  ['a.jpg', 'the photograph'],
  ['a.png', 'the mask'],
])('a pair whose %s is broken is an error that names the file', async (broken) => {
  await draw('a.jpg')
  await draw('a.png')
  writeFileSync(join(folder, broken), readFileSync(join(folder, broken)).subarray(0, 200))
  const [set] = await readFolder(folder)
  const error = await set!.examples[0]!.open().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  expect((error as Error).message).toMatch(new RegExp(`^${join(folder, broken)}: .`))
})

describe('what is measured', () => {
  const grey = (): Picture => {
    const pixels = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : 200))
    return orient({ pixels, width, height, hasAlpha: false }, 1)
  }

  it('is the product’s cut-out, in a copy: the picture stays for the next model', async () => {
    const picture = grey()
    const pixels = await cutOut(picture, disc)
    const [middle, corner] = [(45 * width + 55) * 4, 0]
    expect([...pixels.subarray(middle, middle + 4), pixels[corner + 3]]).toEqual([200, 200, 200, 255, 0])
    expect(picture.pixels).toEqual(grey().pixels)
  })
  it('is empty where the product would answer no_foreground', async () => {
    expect((await cutOut(grey(), blind)).every((value) => value === 0)).toBe(true)
  })

  it('is every model on every picture of every set, as far as the limit', async () => {
    for (const path of ['s/a.jpg', 's/a.png', 's/b.jpg', 's/b.png']) await draw(path)
    for (const path of ['t/a.jpg', 't/a.png']) await draw(path, 0.25)
    const shown: string[][] = []
    const results = await evaluate(await readFolder(folder), [bright, blind], {
      limit: 1,
      show: async (all) => void shown.push(all.map(({ result }) => result.model)),
    })
    expect(results.map(({ name, model }) => [name, model])).toEqual([
      ['a', 'disc-64'],
      ['a', 'blind'],
      ['a', 'disc-64'],
      ['a', 'blind'],
    ])
    expect(shown).toEqual([
      ['disc-64', 'blind'],
      ['disc-64', 'blind'],
    ])
    const [right, nothing] = [summarize([results[0]!]), summarize([results[1]!])]
    expect(right.iou).toBeGreaterThan(0.97)
    expect(right.boundaryIou).toBeGreaterThan(0.8)
    expect(nothing).toMatchObject({ iou: 0, boundaryIou: 0, maxF: 0, sad: null, gradient: null })
    expect(nothing.mae).toBeCloseTo(0.5, 1)
  })

  it('counts soft edges where the truth has them, and no F where there is no subject', async () => {
    await draw('a.jpg', 0.5)
    await draw('sharp.png', 0.5)
    await sharp(join(folder, 'sharp.png')).blur(6).toFile(join(folder, 'a.png'))
    rmSync(join(folder, 'sharp.png'))
    const [soft] = await evaluate(await readFolder(folder), [bright])
    expect(soft?.soft?.sad).toBeGreaterThan(0)
    await sharp({ create: { width, height, channels: 3, background: '#000' } }).toFile(join(folder, 'a.png'))
    const [empty] = await evaluate(await readFolder(folder), [blind])
    expect(empty).toMatchObject({ iou: 1, mae: 0, structure: 1, curve: null, soft: null })
  })
})

const result = (set: string, model: string, iou: number): Result => ({
  ...{ set, model, iou, name: `<${iou}>`, mae: 0.1, structure: 0.9, boundaryIou: 0.5, soft: null, curve: null },
})

it('figures stand in one table, a row for each set and model, and for all together', () => {
  const results = [result('s', 'm', 0.5), result('s', 'n', 1), result('t', 'm', 0.7), result('t', 'n', 1)]
  const rows = formatFigures(results).split('\n')
  expect(rows[0]).toMatch(/set .*model .*pictures .*IoU .*MAE .*max F .*S .*boundary IoU .*SAD .*gradient/)
  const cells = rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim()),
  )
  expect(cells).toEqual([
    ['s', 'm', '1', '0.500'],
    ['s', 'n', '1', '1.000'],
    ['t', 'm', '1', '0.700'],
    ['t', 'n', '1', '1.000'],
    ['all', 'm', '2', '0.600'],
    ['all', 'n', '2', '1.000'],
  ])
})

it('a sheet shows input, truth, mattes and cut-outs on green, the worst first', async () => {
  const sheet = new Sheet(join(folder, 'sheet'))
  const picture = orient({ pixels: new Uint8Array(width * height * 4).fill(255), width, height, hasAlpha: false }, 1)
  const truth = { width, height, values: new Float32Array(width * height).fill(1) }
  const transparent = new Uint8Array(width * height * 4)
  for (const iou of [0.9, 0.2]) {
    await sheet.add([{ result: result('s', 'm', iou), picture, truth, cutOut: transparent }])
  }
  const paths = await sheet.finish()
  const page = readFileSync(paths.page, 'utf8')
  expect(page.indexOf('s: &#60;0.2&#62;')).toBeLessThan(page.indexOf('s: &#60;0.9&#62;'))
  expect(page).not.toContain('<0.2>')
  const files = [...page.matchAll(/src="([^"]+)"/g)].map(([, file]) => join(folder, 'sheet', file!))
  expect([files.length, files.every((file) => existsSync(file))]).toEqual([8, true])
  const { dominant } = await sharp(files[3]).stats()
  expect(dominant.g).toBeGreaterThan(dominant.r + 100)
  expect(await sharp(paths.sheet).metadata()).toMatchObject({ width: 4 * 240, height: 2 * 200 })
})

it('a sheet shows pictures whose names hold what no XML may', async () => {
  const sheet = new Sheet(join(folder, 'sheet'))
  const picture = orient({ pixels: new Uint8Array(width * height * 4).fill(255), width, height, hasAlpha: false }, 1)
  const truth = { width, height, values: new Float32Array(width * height).fill(1) }
  const odd = { ...result('s', 'm', 0.5), name: 'bell\u0007 \ud800 & <b>' }
  await sheet.add([{ result: odd, picture, truth, cutOut: picture.pixels }])
  const { page } = await sheet.finish()
  expect(readFileSync(page, 'utf8')).toContain('<h2>s: bell\ufffd \ufffd &#38; &#60;b&#62;</h2>')
})

describe('composites', () => {
  it('are the same each time, and named apart', async () => {
    expect(new Set(composites.examples.map(({ name }) => name)).size).toBe(12)
    const [one, other] = await Promise.all([composites.examples[8]!.open(), composites.examples[8]!.open()])
    expect(Buffer.from(one.picture.pixels).equals(other.picture.pixels)).toBe(true)
    expect(Buffer.from(one.truth.values.buffer).equals(Buffer.from(other.truth.values.buffer))).toBe(true)
  })
})

describe('a model', () => {
  it('is named by its row, or by a file whose input says its size', async () => {
    expect((await findRow('starter')).id).toBe('starter-320')
    const row = await findRow('models/starter.onnx', { meaning: 'logit' })
    expect(row).toMatchObject({ id: 'starter', input: { size: 320, mean: [0.485, 0.456, 0.406] } })
    expect(row.output).toEqual({ name: null, meaning: 'logit' })
  })
  it('that is not there is an error that says what to do', async () => {
    await expect(findRow('no-such')).rejects.toThrow(/There is no model "no-such"; there is edge-352, starter-320, /)
    await expect(findRow('modnet')).rejects.toThrow(/not here yet: npm run models -- pull modnet-512/)
  })
})
