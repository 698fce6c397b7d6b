import { beforeAll, describe, expect, it } from 'vitest'
import { openModel } from '../../models/eval/eval-model.ts'
import { evaluate, type Result, summarize } from '../../models/eval/evaluate.ts'
import { errorFigures, findRegressions, gate } from '../../models/eval/gate.ts'
import { readShippedSets } from '../../models/eval/shipped.ts'
import { defaultMatteModel } from '../../models/index.ts'

let results: Map<string, Result[]>
beforeAll(async () => {
  const all = await evaluate(await readShippedSets(), [await openModel(defaultMatteModel.id)])
  results = Map.groupBy(all, ({ set }) => set)
}, 60_000)

describe.each(Object.keys(gate))('the default model on %s', (set) => {
  it('is not worse than it was', () => expect(findRegressions(set, summarize(results.get(set)!))).toEqual([]))
})

it('every set that ships has its bounds', () => expect([...results.keys()]).toEqual(Object.keys(gate)))

describe.each(Object.entries(gate))('the bounds of %s', (set, bounds) => {
  it('lie beside what was measured, and not far', () => {
    for (const [figure, { measured, bound }] of Object.entries(bounds)) {
      const isError = errorFigures.some((name) => name === figure)
      const share = isError ? bound / measured : measured / bound
      expect(share, figure).toBeGreaterThan(1)
      expect(share, figure).toBeLessThan(1.06)
    }
  })
  it('are passed by a worse model with a sentence for each', () => {
    const worse = { ...summarize(results.get(set)!), iou: 0.1, mae: 0.9 }
    expect(findRegressions(set, worse)).toEqual([
      expect.stringMatching(/iou is 0\.1000; it was 0\.\d+, and must be at least 0\.\d+/),
      expect.stringMatching(/mae is 0\.9000; it was 0\.\d+, and must be at most 0\.\d+/),
    ])
  })
})
