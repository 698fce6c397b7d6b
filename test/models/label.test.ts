import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { compareMattes, judge, judgeEmpty, type Measures, measureMatte } from '../../models/train/agreement.ts'
import { cropPairs, cutOutPairs } from '../../models/train/cut-outs.ts'
import { type Label, labelPhotos } from '../../models/train/label.ts'
import { discModel } from '../container/kit.ts'

const { size } = discModel.input

/** Sees what is brighter than the middle, wherever it lies. */
const bright = async (tensor: Float32Array) =>
  Uint8Array.from({ length: size * size }, (_, i) => (tensor[i]! > 0.5 ? 255 : 0))
/** Sees the left of whatever it is shown, with a slanting edge so soft that it is seen mirrored too. */
const leftist = async () =>
  Uint8Array.from({ length: size * size }, (_, i) => {
    const beyond = ((i % size) / size - 1 / 4 - i / size ** 2 / 4) / 0.03
    return 255 * Math.min(1, Math.max(0, 0.5 - beyond / 2))
  })

let folder: string
let photos: string
let cache: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pixtoll-label-'))
  photos = join(folder, 'photos')
  cache = join(folder, 'cache')
  await draw('one.png', 60)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A white disc on black. */
async function draw(name: string, radius: number, source = 'discs'): Promise<void> {
  const disc = `<svg width="200" height="160"><circle cx="100" cy="80" r="${radius}" fill="#fff"/></svg>`
  const picture = sharp({ create: { width: 200, height: 160, channels: 3, background: '#000' } })
  const file = await picture
    .composite([{ input: Buffer.from(disc) }])
    .png()
    .toBuffer()
  mkdirSync(join(photos, source), { recursive: true })
  writeFileSync(join(photos, source, name), file)
}
const run = (infer = bright, limit?: number) =>
  labelPhotos({ photos, cache, teachers: [{ input: discModel.input, infer }], say: () => {}, ...(limit && { limit }) })
const readLabels = () =>
  readFileSync(join(cache, 'labels.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Label & Record<string, unknown>)

describe('labelling', () => {
  it('keeps a pair that the mirror image confirms, at the photograph’s ratio', async () => {
    expect(await run()).toEqual({ labelled: 1, kept: 1 })
    const about = { photo: 'discs/one.png', width: 200, height: 160, kept: 'pair', thrown: null }
    expect(readLabels()).toMatchObject([about])
    const matte = sharp(join(cache, 'pairs/discs/one.png'))
    expect(await matte.metadata()).toMatchObject({ width: 200, height: 160, channels: 1 })
    expect(await sharp(join(cache, 'pairs/discs/one.jpg')).metadata()).toMatchObject({ width: 200, height: 160 })
    const alpha = await matte.extractChannel(0).raw().toBuffer()
    expect([alpha[80 * 200 + 100], alpha[5 * 200 + 5]]).toEqual([255, 0])
  })

  it('throws away what the mirror image does not confirm', async () => {
    expect(await run(leftist)).toEqual({ labelled: 1, kept: 0 })
    expect(readLabels()).toMatchObject([{ thrown: 'its mirror image is seen otherwise', kept: null }])
    expect(existsSync(join(cache, 'pairs'))).toBe(false)
  })

  it('keeps a rough mask in place of a label that contradicts it', async () => {
    const rough = sharp({ create: { width: 200, height: 160, channels: 3, background: '#fff' } })
    mkdirSync(join(cache, 'rough/discs'), { recursive: true })
    await rough.toColourspace('b-w').toFile(join(cache, 'rough/discs/one.png'))
    expect(await run()).toEqual({ labelled: 1, kept: 0 })
    expect(readLabels()).toMatchObject([{ thrown: 'its rough mask is another', kept: 'rough pair' }])
    const matte = await sharp(join(cache, 'pairs/discs/one.png')).extractChannel(0).raw().toBuffer()
    expect(matte[5 * 200 + 5]).toBe(255)
  })

  it('mends a label by its rough mask where they differ by more than an edge', async () => {
    // A disc a little larger than the teacher's, without its middle, and with a dot beside it that is thinner than an edge.
    const rough = `<svg width="200" height="160"><rect width="200" height="160"/>
      <circle cx="100" cy="80" r="61" fill="#fff"/><circle cx="100" cy="80" r="9"/><path d="M9 9h2v2h-2z" fill="#fff"/></svg>`
    const readMatte = () => sharp(join(cache, 'pairs/discs/one.png')).extractChannel(0).raw().toBuffer()
    await run()
    const taught = await readMatte()
    rmSync(join(cache, 'labels.jsonl'))
    mkdirSync(join(cache, 'rough/discs'), { recursive: true })
    await sharp(Buffer.from(rough)).toColourspace('b-w').toFile(join(cache, 'rough/discs/one.png'))
    expect(await run()).toEqual({ labelled: 1, kept: 1 })
    const matte = await readMatte()
    const at = (x: number, y: number) => matte[y * 200 + x]
    expect([at(100, 80), at(100, 60), at(10, 10)]).toEqual([0, 255, 0])
    // The outline is the teacher's.
    const edge = [80 * 200 + 155, 80 * 200 + 166] as const
    expect([...matte.subarray(...edge)]).toEqual([...taught.subarray(...edge)])
  })

  it('keeps as a ground what a source without subjects has, where nothing is seen on it', async () => {
    rmSync(photos, { recursive: true })
    await draw('empty.png', 0, 'leafless')
    await draw('disc.png', 50, 'leafless')
    expect(await run()).toEqual({ labelled: 2, kept: 1 })
    expect(readLabels().map(({ photo, kept }) => [photo, kept])).toEqual(
      expect.arrayContaining([
        ['leafless/empty.png', 'ground'],
        ['leafless/disc.png', null],
      ]),
    )
    expect(existsSync(join(cache, 'grounds/leafless/empty.jpg'))).toBe(true)
    expect(existsSync(join(cache, 'pairs'))).toBe(false)
  })

  it('labels a photograph once, however often it lies there and however often it is run', async () => {
    copyFileSync(join(photos, 'discs/one.png'), join(photos, 'discs/again.png'))
    expect([await run(), await run()]).toEqual([
      { labelled: 1, kept: 1 },
      { labelled: 0, kept: 0 },
    ])
  })

  it('goes on after it was killed in the middle of a line, and in the middle of a folder', async () => {
    await draw('two.png', 50)
    await run(bright, 1)
    appendFileSync(join(cache, 'labels.jsonl'), '{"sha256":"abc","pho')
    expect(await run()).toEqual({ labelled: 1, kept: 1 })
    expect(
      readLabels()
        .map(({ photo }) => photo)
        .sort(),
    ).toEqual(['discs/one.png', 'discs/two.png'])
  })

  it('leaves the lines that are there as they are: being killed at the start costs none of them', async () => {
    await run()
    const list = join(cache, 'labels.jsonl')
    const before = statSync(list)
    await run()
    expect(statSync(list).mtimeMs).toBe(before.mtimeMs)
    appendFileSync(list, '{"sha256":"abc","pho')
    await run()
    expect([statSync(list).size, statSync(list).ino]).toEqual([before.size, before.ino])
  })

  it('writes down what cannot be decoded, and goes on', async () => {
    writeFileSync(join(photos, 'discs/broken.jpg'), 'no picture')
    expect(await run()).toEqual({ labelled: 2, kept: 1 })
    expect(readLabels()).toContainEqual(
      expect.objectContaining({ photo: 'discs/broken.jpg', broken: expect.any(String) }),
    )
    expect(existsSync(join(cache, 'pairs/discs/broken.png'))).toBe(false)
  })
})

describe('what is made of pairs', () => {
  const make = async () => [await cutOutPairs(cache), await cropPairs(cache)]
  beforeEach(async () => {
    await draw('two.png', 50)
    await run()
    // As sure as a label of a real photograph: these discs are seen in a square of 64 pixels.
    const sure = readLabels().map((label) => ({ ...label, measures: { blur: 1, fog: 0, mirrorIou: 1 } }))
    writeFileSync(join(cache, 'labels.jsonl'), sure.map((label) => `${JSON.stringify(label)}\n`).join(''))
  })

  it('is made once', async () => {
    expect([await make(), await make()]).toEqual([
      [2, 0],
      [0, 0],
    ])
    expect(existsSync(join(cache, 'cutouts/discs/one.png'))).toBe(true)
  })

  it('lacks pairs that somebody removed by hand, and nothing else', async () => {
    for (const end of ['jpg', 'png']) rmSync(join(cache, `pairs/discs/one.${end}`))
    expect(await make()).toEqual([1, 0])
    expect(existsSync(join(cache, 'cutouts/discs/two.png'))).toBe(true)
  })
})

test('two mattes agree by what they share of what either sees', () => {
  const [one, other] = [Uint8Array.of(255, 255, 0, 0), Uint8Array.of(255, 0, 255, 0)]
  expect(compareMattes(one, other)).toEqual({ iou: 1 / 3, error: 0.5 })
  expect(compareMattes(new Uint8Array(4), new Uint8Array(4))).toEqual({ iou: 1, error: 0 })
})

test('a matte’s edges are as wide as the pixels that are undecided, for each one of its outline', () => {
  const draw = (...values: number[]) => Uint8Array.from({ length: 64 }, (_, i) => values[i % 8]!)
  expect(measureMatte(draw(0, 0, 0, 0, 255, 255, 255, 255))).toEqual({ area: 0.5, mean: 0.5, blur: 0, fog: 0, fill: 1 })
  expect(measureMatte(draw(0, 0, 0, 100, 200, 255, 255, 255))).toMatchObject({ area: 0.5, blur: 2, fog: 0 })
})

test('fog is what is undecided far from the outline', () => {
  const side = 32
  const alpha = Uint8Array.from({ length: side * side }, (_, i) => (i % side < 8 ? 255 : 0))
  expect(measureMatte(alpha).fog).toBe(0)
  for (const x of [10, 20, 30]) alpha[side * 5 + x] = 128 - 1
  expect(measureMatte(alpha).fog).toBe(2 / (8 * side))
})

test.each<[Partial<Required<Measures>>, string | null]>([
  [{ area: 0.01 }, 'too small'],
  [{ area: 0.9 }, 'too large'],
  [{ fog: 0.1 }, 'half seen'],
  [{ fill: 0.99 }, 'a picture in a frame'],
  [{ mirrorError: 0.05 }, 'its mirror image is seen otherwise'],
  [{ mirrorIou: 0.9, mirrorError: 0.02 }, 'its mirror image is seen otherwise'],
  [{ mirrorIou: 0.88, mirrorError: 0.005 }, null],
  [{ mirrorIou: 0.88, mirrorError: 0.005, cropIou: 0.88 }, 'its mirror image is seen otherwise'],
  [{ cropIou: 0.8 }, 'its middle is seen otherwise'],
  [{ roughIou: 0.8 }, 'its rough mask is another'],
  [{}, null],
])('a label with %j is thrown away because it is %s', (change, reason) => {
  const sound: Measures = {
    area: 0.3,
    mean: 0.3,
    blur: 2,
    fog: 0.01,
    fill: 0.6,
    mirrorIou: 0.97,
    mirrorError: 0.01,
    cropIou: 0.95,
  }
  expect(judge({ ...sound, ...change })).toBe(reason)
})

test('a ground is what has nothing in both views', () => {
  const nothing = { area: 0, mean: 0.001, blur: 0, fog: 0, fill: 0 }
  expect(judgeEmpty(nothing)).toBeNull()
  expect(judgeEmpty({ ...nothing, mirrorError: 0.1 })).toBe('a subject is seen')
  expect(judgeEmpty({ ...nothing, mean: 0.1 })).toBe('a subject is seen')
})
