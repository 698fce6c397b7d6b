import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { compareMattes, judge, measureMatte } from '../../models/train/agreement.ts'
import { type Label, labelPhotos } from '../../models/train/label.ts'
import { discModel } from '../container/kit.ts'

const { size } = discModel.input

/** Sees what is brighter than the middle, wherever it lies. */
const bright = async (tensor: Float32Array) => ({
  alpha: Uint8Array.from({ length: size * size }, (_, i) => (tensor[i]! > 0.5 ? 255 : 0)),
  size,
})
/** Sees the left third of whatever it is shown. */
const leftist = async () => ({
  alpha: Uint8Array.from({ length: size * size }, (_, i) => (i % size < size / 3 ? 255 : 0)),
  size,
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
async function draw(name: string, radius: number): Promise<void> {
  const disc = `<svg width="200" height="160"><circle cx="100" cy="80" r="${radius}" fill="#fff"/></svg>`
  const picture = sharp({ create: { width: 200, height: 160, channels: 3, background: '#000' } })
  const file = await picture
    .composite([{ input: Buffer.from(disc) }])
    .png()
    .toBuffer()
  mkdirSync(photos, { recursive: true })
  writeFileSync(join(photos, name), file)
}
const run = (infer = bright, limit?: number) =>
  labelPhotos({ photos, cache, teacher: { model: discModel, infer }, say: () => {}, ...(limit && { limit }) })
const readLabels = () =>
  readFileSync(join(cache, 'labels.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Label & Record<string, unknown>)

describe('labelling', () => {
  it('keeps a matte that the mirror image and the middle confirm, at the photograph’s ratio', async () => {
    expect(await run()).toEqual({ labelled: 1, kept: 1 })
    const [label] = readLabels()
    expect(label).toMatchObject({ photo: 'one.png', width: 200, height: 160, thrown: null })
    const matte = sharp(join(cache, `${label?.sha256}.png`))
    expect(await matte.metadata()).toMatchObject({ width: 200, height: 160, channels: 1 })
    const alpha = await matte.extractChannel(0).raw().toBuffer()
    expect([alpha[80 * 200 + 100], alpha[5 * 200 + 5]]).toEqual([255, 0])
  })

  it('throws away what the mirror image does not confirm', async () => {
    expect(await run(leftist)).toEqual({ labelled: 1, kept: 0 })
    expect(readLabels()).toMatchObject([{ thrown: 'its mirror image is seen otherwise' }])
  })

  it('labels a photograph once, however often it lies there and however often it is run', async () => {
    copyFileSync(join(photos, 'one.png'), join(photos, 'again.png'))
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
    expect(readLabels().map(({ photo }) => photo)).toEqual(['one.png', 'two.png'])
  })

  it('writes down what cannot be decoded, and goes on', async () => {
    writeFileSync(join(photos, 'broken.jpg'), 'no picture')
    expect(await run()).toEqual({ labelled: 2, kept: 1 })
    const [broken] = readLabels()
    expect(broken).toMatchObject({ photo: 'broken.jpg', broken: expect.any(String) })
    expect(existsSync(join(cache, `${broken?.sha256}.png`))).toBe(false)
  })
})

test('two mattes agree by what they share of what either sees', () => {
  const [one, other] = [Uint8Array.of(255, 255, 0, 0), Uint8Array.of(255, 0, 255, 0)]
  expect(compareMattes(one, other)).toEqual({ iou: 1 / 3, error: 0.5 })
  expect(compareMattes(new Uint8Array(4), new Uint8Array(4))).toEqual({ iou: 1, error: 0 })
  expect(measureMatte(Uint8Array.of(255, 255, 0, 0))).toEqual({ area: 0.5, certainty: 1 })
})

test.each([
  [{ area: 0.02 }, 'too small'],
  [{ area: 0.9 }, 'too large'],
  [{ certainty: 0.8 }, 'not sure'],
  [{ mirrorIou: 0.9 }, 'its mirror image is seen otherwise'],
  [{ cropIou: 0.8 }, 'its middle is seen otherwise'],
  [{}, null],
])('a label with %j is thrown away because it is %s', (change, reason) => {
  const sound = { area: 0.3, certainty: 0.99, mirrorIou: 0.97, mirrorError: 0.01, cropIou: 0.95 }
  expect(judge({ ...sound, ...change })).toBe(reason)
})
