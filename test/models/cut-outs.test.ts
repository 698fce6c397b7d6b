import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Measures } from '../../models/train/agreement.ts'
import { cropPairs, cutOutPairs } from '../../models/train/cut-outs.ts'

const sure: Measures = { area: 0.1, mean: 0.1, blur: 1, fog: 0, fill: 0.8 }
let cache: string
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'pixtoll-cut-outs-'))
})
afterEach(() => rmSync(cache, { recursive: true }))

/** A red square on the left of a green picture, as a pair of this source. */
async function keepPair(source: string, measures = sure, left = 40): Promise<void> {
  const square = (fill: string, ground: string) =>
    sharp(
      Buffer.from(
        `<svg width="400" height="300"><rect width="400" height="300" fill="${ground}"/>
        <rect x="${left}" y="90" width="90" height="120" fill="${fill}"/></svg>`,
      ),
    )
  mkdirSync(join(cache, 'pairs', source), { recursive: true })
  await square('#f00', '#080')
    .removeAlpha()
    .jpeg()
    .toFile(join(cache, 'pairs', source, 'one.jpg'))
  await square('#fff', '#000')
    .toColourspace('b-w')
    .toFile(join(cache, 'pairs', source, 'one.png'))
  const label = { sha256: '0123456789abcdef', photo: `${source}/one.jpg`, width: 400, height: 300, kept: 'pair' }
  writeFileSync(join(cache, 'labels.jsonl'), `${JSON.stringify({ ...label, thrown: null, measures })}\n`)
}
const list = (folder: string) =>
  readdirSync(join(cache, folder), { recursive: true }).filter((name) => /\./.test(`${name}`))

describe('cut-outs of pairs', () => {
  it('are cropped to the subject, once', async () => {
    await keepPair('flowers')
    expect([await cutOutPairs(cache), await cutOutPairs(cache)]).toEqual([1, 0])
    const { data, info } = await sharp(join(cache, 'cutouts/flowers/one.png'))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([info.channels, Math.abs(info.width - 90) < 3, Math.abs(info.height - 120) < 3]).toEqual([4, true, true])
    const middle = (60 * info.width + 45) * 4
    expect([data[middle]! > 200, data[middle + 1]! < 60, data[middle + 3]]).toEqual([true, true, 255])
  })

  it.each([
    ['soft edges', { ...sure, blur: 3 }, 40],
    ['something half seen', { ...sure, fog: 0.01 }, 40],
    ['another mirror image', { ...sure, mirrorIou: 0.95 }, 40],
    ['a subject that the border cuts off', sure, 0],
  ])('are not made of labels with %s', async (_, measures, left) => {
    await keepPair('flowers', measures, left)
    expect(await cutOutPairs(cache)).toBe(0)
  })
})

describe('grounds beside subjects', () => {
  it('have nothing of the subject on them', async () => {
    await keepPair('flowers')
    expect([await cropPairs(cache), list('grounds')]).toEqual([1, ['flowers/one.jpg']])
    const { channels } = await sharp(join(cache, 'grounds/flowers/one.jpg')).stats()
    expect([channels[0]!.max < 60, channels[1]!.min > 90]).toEqual([true, true])
  })

  it.each(['ccp', 'coco-val', 'coco-mini'])('are not made of %s, where others may stand beside it', async (source) => {
    await keepPair(source)
    expect(await cropPairs(cache)).toBe(0)
  })

  it('are not made where something is half seen', async () => {
    await keepPair('flowers', { ...sure, fog: 0.03 })
    expect(await cropPairs(cache)).toBe(0)
  })
})
