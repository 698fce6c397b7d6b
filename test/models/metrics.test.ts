import { describe, expect, it } from 'vitest'
import { measureBoundaryIou } from '../../models/eval/boundary.ts'
import { measureGradient, measureSad } from '../../models/eval/matting.ts'
import {
  findMaxF,
  measureIou,
  measureMae,
  measurePrecisionRecall,
  measureStructure,
} from '../../models/eval/metrics.ts'
import { type AlphaPlane, boundPlane, readPlane, resizePlane } from '../../models/eval/plane.ts'

const plane = (width: number, ...values: number[]): AlphaPlane => ({
  width,
  height: values.length / width,
  values: Float32Array.from(values),
})
const draw = (width: number, height: number, value: (x: number, y: number) => number): AlphaPlane =>
  plane(width, ...Array.from({ length: width * height }, (_, i) => value(i % width, Math.floor(i / width))))
const square = (left: number) => draw(20, 20, (x, y) => Number(x >= left && x < left + 6 && y >= 5 && y < 11))
const nothing = draw(20, 20, () => 0)
const everything = draw(20, 20, () => 1)

describe('IoU', () => {
  it('is what both call subject by what either does; exactly one half is ground', () => {
    expect(measureIou(plane(2, 0.9, 0.6, 0.5, 0), plane(2, 1, 0, 1, 0))).toBe(1 / 3)
  })
  it('is 1 where there is nothing and nothing is seen, and 0 where something is seen all the same', () => {
    expect([measureIou(nothing, nothing), measureIou(square(3), nothing)]).toEqual([1, 0])
  })
})

it('MAE is the mean difference of alpha', () => {
  expect(measureMae(plane(2, 0.75, 0.25, 0.5, 0), plane(2, 1, 0, 1, 0))).toBe(0.25)
})

describe('the S-measure', () => {
  it('is 1 for a perfect map', () => expect(measureStructure(square(4), square(4))).toBeCloseTo(1, 4))
  it('of a flat map is 0.9 on one half: objects 0.8, regions alike', () => {
    const halves = draw(4, 4, (x) => Number(x < 2))
    expect(
      measureStructure(
        draw(4, 4, () => 0.5),
        halves,
      ),
    ).toBeCloseTo(0.5 * 0.8 + 0.5 * 1, 6)
  })
  it('without a subject is how little is seen, and without ground how much', () => {
    const faint = draw(20, 20, () => 0.25)
    expect([measureStructure(faint, nothing), measureStructure(faint, everything)]).toEqual([0.75, 0.25])
  })
  it('is never below 0', () => {
    const inverted = draw(20, 20, (x, y) => 1 - square(4).values[y * 20 + x]!)
    expect(measureStructure(inverted, square(4))).toBe(0)
  })
})

describe('the maximum F-measure', () => {
  const curve = measurePrecisionRecall(plane(2, 1, 0.5, 0.2, 0), plane(2, 1, 0, 1, 0))
  it('rests on precision and recall at each threshold', () => {
    expect([curve.precision[0], curve.recall[0]]).toEqual([2 / 3, 1])
    expect([curve.precision[127], curve.recall[127]]).toEqual([0.5, 0.5])
    expect([curve.precision[128], curve.recall[128]]).toEqual([1, 0.5])
  })
  it('is that of the best threshold', () => expect(findMaxF([curve])).toBeCloseTo((1.3 * 1 * 0.5) / (0.3 + 0.5), 9))
  it('averages precision and recall before it chooses', () => {
    const blind = measurePrecisionRecall(plane(2, 0, 0, 0, 0), plane(2, 1, 0, 1, 0))
    expect(findMaxF([curve, blind])).toBeCloseTo((1.3 * 0.5 * 0.25) / (0.3 * 0.5 + 0.25), 9)
  })
})

describe('the boundary IoU', () => {
  it('compares bands of 2 % of the diagonal, here one pixel: two squares one pixel apart share 10 of 30', () => {
    expect(measureBoundaryIou(square(5), square(6))).toBeCloseTo(1 / 3, 9)
  })
  it('takes the map’s border for a boundary: 76 pixels of the whole, and 8 more around a hole', () => {
    const holed = draw(20, 20, (x, y) => Number(!(x === 10 && y === 10)))
    expect(measureBoundaryIou(everything, holed)).toBeCloseTo(76 / 84, 9)
  })
  it('is 1 for two maps without a boundary, and 0 if one has one', () => {
    expect([measureBoundaryIou(nothing, nothing), measureBoundaryIou(square(3), nothing)]).toEqual([1, 0])
  })
})

describe('errors of soft edges', () => {
  it('SAD is the sum of differences, in thousands', () => {
    expect(
      measureSad(
        draw(20, 20, () => 0.75),
        draw(20, 20, () => 0.25),
      ),
    ).toBeCloseTo(0.2, 6)
  })
  it('the gradient of a step of 10 rows has the error that SciPy finds with the same kernels', () => {
    const step = draw(16, 10, (x) => Number(x >= 8))
    const flat = draw(16, 10, () => 0)
    expect(measureGradient(step, flat)).toBeCloseTo(0.19590716, 6)
    const turned = draw(10, 16, (_, y) => Number(y >= 8))
    expect(
      measureGradient(
        turned,
        draw(10, 16, () => 0),
      ),
    ).toBeCloseTo(0.19590716, 6)
  })
  it('and none where both are alike, or differ by a constant', () => {
    expect(measureGradient(square(4), square(4))).toBe(0)
    expect(
      measureGradient(
        draw(20, 20, () => 0.75),
        draw(20, 20, () => 0.25),
      ),
    ).toBeCloseTo(0, 9)
  })
})

// Six discs with wavy soft maps of 96 px; the numbers are those of the prototype in NumPy and of SciPy.
it('all of them agree with other implementations on maps like those of models', () => {
  const size = 96
  const pairs = Array.from({ length: 6 }, (_, k): [AlphaPlane, AlphaPlane] => {
    const depth = (x: number, y: number) => 20 + 3 * k - Math.hypot(x - 40 - k * 3, y - 50 + k * 2)
    const soft = (x: number, y: number) => 0.5 + (depth(x, y) + 5 * Math.sin(x / 5 + k)) / 20
    return [
      draw(size, size, (x, y) => Math.round(255 * Math.min(1, Math.max(0, soft(x, y)))) / 255),
      draw(size, size, (x, y) => Number(depth(x, y) > 0)),
    ]
  })
  const mean = (measure: (seen: AlphaPlane, truth: AlphaPlane) => number) =>
    pairs.reduce((sum, [seen, truth]) => sum + measure(seen, truth), 0) / pairs.length
  expect(mean(measureIou)).toBeCloseTo(0.787062, 5)
  expect(mean(measureMae)).toBeCloseTo(0.104648, 5)
  // The prototype divides deviations by the count, the paper by one less.
  expect(mean(measureStructure)).toBeCloseTo(0.88359, 4)
  expect(findMaxF(pairs.map(([seen, truth]) => measurePrecisionRecall(seen, truth)))).toBeCloseTo(0.913833, 5)
  expect(mean(measureBoundaryIou)).toBeCloseTo(0.186107, 5)
  expect(mean(measureGradient)).toBeCloseTo(2.550602, 4)
  expect(mean(measureSad)).toBeCloseTo(0.964437, 5)
})

describe('a plane at another size', () => {
  it('keeps its mean when it becomes smaller, without aliasing', () => {
    const stripes = draw(64, 64, (x) => x % 2)
    const small = resizePlane(stripes, 8, 8)
    for (const value of small.values) expect(value).toBeCloseTo(0.5, 1)
  })
  it('is interpolated when it becomes larger', () => {
    const [, , ...more] = resizePlane(plane(2, 0, 1), 4, 1).values
    expect(more).toEqual([0.75, 1])
  })
  it('is bounded by its longer side, and left as it is where that is short enough', () => {
    const wide = draw(200, 50, () => 0.5)
    expect(boundPlane(wide, 100)).toMatchObject({ width: 100, height: 25 })
    expect(boundPlane(wide, 200)).toBe(wide)
  })
  it('is read from every so many bytes', () => {
    expect([...readPlane(Uint8Array.of(9, 9, 9, 255, 9, 9, 9, 51), 2, 1, 3, 4).values]).toEqual([1, Math.fround(0.2)])
  })
})
