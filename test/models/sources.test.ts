import { describe, expect, it, test } from 'vitest'
import { choose, readFree } from '../../models/train/choose.ts'
import { findGround, isBeside } from '../../models/train/crops.ts'
import { isSure, touchesBorder } from '../../models/train/cut-outs.ts'
import { splitLabelled } from '../../models/train/extract.ts'
import { createRandom } from '../../models/train/random.ts'
import type { Source } from '../../models/train/source.ts'
import { sources } from '../../models/train/sources.ts'

const file = (path: string, blob = path) => ({ path, blob })
const find = (name: string): Source => sources.find((source) => source.name === name)!
const plain: Source = { ...find('grocery-iconic'), files: /^(\w)\/\d+\.jpg$/ }
const paths = (chosen: readonly { path: string }[]) => chosen.map(({ path }) => path)

describe('the sources', () => {
  it('have names of their own, and exact commits', () => {
    expect(new Set(sources.map(({ name }) => name)).size).toBe(sources.length)
    for (const { commit } of sources) expect(commit).toMatch(/^[0-9a-f]{40}$/)
  })

  it('have free licences, none that reaches further than the pictures, and none that forbids uses', () => {
    for (const { name, licence } of sources) {
      expect([name, licence]).not.toEqual([name, expect.stringMatching(/GPL|OSL|AFL|NC|ND|unknown/)])
    }
  })

  it('leave COCO’s non-commercial photographs out, and those that forbid derivatives', () => {
    const lists = sources.filter(({ name }) => name.startsWith('coco')).map(({ licences }) => licences?.ids)
    expect(lists).toEqual(lists.map(() => [4, 5, 7, 8]))
    const images = [1, 2, 3, 4, 5, 6, 7, 8].map((license) => ({ id: license * 10, license }))
    const free = readFree(JSON.stringify({ images }), [4, 5, 7, 8])
    expect([...free]).toEqual([40, 50, 70, 80])
    const photo = (id: number) => file(`train2017/0000000000${id}.jpg`)
    expect(paths(choose(find('coco-tiny'), [photo(10), photo(40)], free))).toEqual(['train2017/000000000040.jpg'])
    expect(choose(find('coco-tiny'), [photo(40)])).toEqual([])
  })

  it('have nothing of the evaluation', () => {
    const frames = ['blackswan', 'cows', 'dance-twirl', 'scooter-black', 'dog'].map((sequence) =>
      file(`DAVIS/JPEGImages/480p/${sequence}/00000.jpg`),
    )
    expect(paths(choose(find('davis'), frames))).toEqual(['DAVIS/JPEGImages/480p/dog/00000.jpg'])
    expect(sources.map(({ repository }) => repository)).not.toContain('xuebinqin/U-2-Net')
    const ids = Array.from({ length: 30 }, (_, i) => String(i + 1).padStart(4, '0'))
    const { taught, held } = splitLabelled(
      ids.flatMap((id) => [`photos/${id}.jpg`, `annotations/pixel-level/${id}.mat`]),
    )
    expect([...held]).toEqual(['0007', '0017', '0027'])
    expect(taught.size).toBe(27)
  })
})

describe('choosing', () => {
  it('takes equal files once', () => {
    expect(paths(choose(plain, [file('a/1.jpg', 'x'), file('b/2.jpg', 'x'), file('c.jpg')]))).toEqual(['a/1.jpg'])
  })

  it('takes so many of each class, the same ones whatever else there is', () => {
    const all = ['a/1.jpg', 'a/2.jpg', 'a/3.jpg', 'b/1.jpg'].map((path, i) => file(path, 'cbad'[i]))
    expect(paths(choose({ ...plain, atMost: 2 }, all))).toEqual(['a/3.jpg', 'a/2.jpg', 'b/1.jpg'])
  })

  it('takes each so many-th frame of a sequence', () => {
    const all = [1, 2, 3, 4, 5].map((n) => file(`a/${n}.jpg`))
    expect(paths(choose({ ...plain, every: 4 }, all))).toEqual(['a/1.jpg', 'a/5.jpg'])
  })
})

test('a ground lies beside the mask', () => {
  const [width, height] = [400, 300]
  const data = Buffer.alloc(width * height)
  for (let i = 0; i < data.length; i += 1) data[i] = i % width < 150 ? 255 : 0
  const mask = { data, width, height }
  const box = findGround(mask, createRandom(1))
  expect(box && isBeside(mask, box, 12)).toBe(true)
  expect(box?.left).toBeGreaterThanOrEqual(162)
  expect(findGround({ ...mask, data: Buffer.alloc(width * height, 255) }, createRandom(1))).toBeUndefined()
})

test('only what is sure and whole is cut out of a pair', () => {
  const sure = { area: 0.3, mean: 0.3, blur: 1.5, fog: 0.001, fill: 0.6, mirrorIou: 0.98 }
  expect(isSure(sure)).toBe(true)
  for (const change of [{ blur: 3 }, { fog: 0.02 }, { mirrorIou: 0.93 }])
    expect(isSure({ ...sure, ...change })).toBe(false)
  const draw = (at: number) => {
    const data = Buffer.alloc(25)
    data[at] = 255
    return { data, width: 5, height: 5 }
  }
  expect([2, 10, 14, 22].map((at) => touchesBorder(draw(at)))).toEqual([true, true, true, true])
  expect(touchesBorder(draw(12))).toBe(false)
})
