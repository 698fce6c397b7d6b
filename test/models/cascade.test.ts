import { describe, expect, it } from 'vitest'
import { createCascade, doubtOf, drawCurve, remember } from '../../models/eval/cascade.ts'
import type { EvalModel } from '../../models/eval/eval-model.ts'
import { measureDoubt } from '../../workers/matte/alpha.ts'
import type { Picture } from '../../workers/matte/picture.ts'

const matte = (...alpha: number[]) => ({ alpha: Uint8Array.from(alpha), size: Math.sqrt(alpha.length) })
const picture = {} as Picture

function createModel(name: string, ...alpha: number[]): EvalModel & { readonly asked: number[] } {
  const asked: number[] = []
  return {
    name,
    asked,
    async matte() {
      asked.push(1)
      return { matte: matte(...alpha), thumbnail: new Uint8ClampedArray() }
    },
  }
}

describe('the doubt of a matte', () => {
  it('is nothing where every pixel is decided', () => {
    expect(measureDoubt(matte(255, 255, 0, 0))).toBe(0)
  })

  it('is what is undecided beside what is foreground', () => {
    // Two pixels at 51 are each 102 undecided; the foreground is 255 + 51 + 51.
    expect(measureDoubt(matte(255, 51, 51, 0))).toBeCloseTo(204 / 357, 6)
  })

  it('is as large as can be in fog, and where nothing is seen', () => {
    expect([measureDoubt(matte(100, 100, 100, 100)), measureDoubt(matte(0, 0, 0, 0))]).toEqual([1, 1])
    expect(doubtOf({ matte: matte(100, 100, 100, 100), thumbnail: new Uint8ClampedArray() })).toBe(1)
  })
})

describe('a cascade', () => {
  it('asks the Container’s model where the edge’s has more doubt than it may', async () => {
    const edge = createModel('edge', 255, 51, 51, 0)
    const container = createModel('container', 255, 255, 0, 0)
    const ask = async (mostDoubt: number) =>
      (await createCascade(edge, container, mostDoubt).matte(picture)).matte.alpha
    expect([...(await ask(0.6))]).toEqual([255, 51, 51, 0])
    expect(container.asked).toEqual([])
    expect([...(await ask(0.5))]).toEqual([255, 255, 0, 0])
  })

  it('lets a model that several ask look at a picture once', async () => {
    const model = createModel('edge', 255, 0, 0, 0)
    const shared = remember(model)
    await Promise.all([shared.matte(picture), shared.matte(picture)])
    await shared.matte({} as Picture)
    expect(model.asked.length).toBe(2)
  })
})

describe('the curve of a cascade', () => {
  const seen = [
    { doubt: 0.9, edge: { iou: 0.1, mae: 0.5 }, container: { iou: 0.9, mae: 0.1 } },
    { doubt: 0.1, edge: { iou: 0.9, mae: 0.1 }, container: { iou: 0.9, mae: 0.1 } },
  ]

  it('goes from nobody to everybody, and shows what the measure is worth against chance', () => {
    expect(drawCurve(seen, 2)).toEqual([
      { mostDoubt: 0.95, share: 0, iou: 0.5, mae: 0.3, byChance: 0.5 },
      { mostDoubt: 0.5, share: 0.5, iou: 0.9, mae: 0.1, byChance: 0.7 },
      { mostDoubt: 0, share: 1, iou: 0.9, mae: 0.1, byChance: 0.9 },
    ])
  })
})
