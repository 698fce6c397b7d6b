import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'
import { isEmpty } from '../../workers/matte/alpha.ts'
import { applyMatte } from '../../workers/matte/apply-matte.ts'
import type { Picture } from '../../workers/matte/picture.ts'
import { createRefinement } from '../../workers/matte/refinement.ts'
import { measureBoundaryIou } from './boundary.ts'
import type { EvalModel } from './eval-model.ts'
import type { Example, ExampleSet } from './examples.ts'
import { measureGradient, measureSad } from './matting.ts'
import {
  findMaxF,
  measureIou,
  measureMae,
  measurePrecisionRecall,
  measureStructure,
  type PrecisionRecall,
} from './metrics.ts'
import { type AlphaPlane, boundPlane, readPlane, resizePlane } from './plane.ts'

/** Side of the square in which maps are compared: published figures of such models were measured so. */
export const comparedSide = 288
/** Longer side at which boundaries and soft edges are compared, where a picture is not smaller. */
export const edgeSide = 1024
/** A truth of which fewer pixels than this are neither 0 nor 1 is a mask, and says nothing of soft edges. */
const leastSoft = 0.001

/** What was measured of one picture. */
export interface Result {
  readonly set: string
  readonly name: string
  readonly model: string
  readonly iou: number
  readonly mae: number
  readonly structure: number
  readonly boundaryIou: number
  /** Null where the truth is a mask. */
  readonly soft: { readonly sad: number; readonly gradient: number } | null
  /** Null where there is no subject to find. */
  readonly curve: PrecisionRecall | null
}

/** A picture with what one model made of it. */
export interface Shown {
  readonly result: Result
  readonly picture: Picture
  readonly truth: AlphaPlane
  /** The cut-out, RGBA, as the product would answer it. */
  readonly cutOut: Uint8Array
}

/**
 * The product's cut-out of a picture, RGBA, in a copy of its pixels; transparent as a whole where the product would
 * answer `no_foreground`.
 */
export async function cutOut(
  picture: Picture,
  model: EvalModel,
  refine: MatteOptions['refine'] = defaultMatteOptions.refine,
): Promise<Uint8Array> {
  const { matte, thumbnail } = await model.matte(picture)
  const pixels = picture.pixels.slice()
  if (isEmpty(matte)) return pixels.fill(0)
  applyMatte(matte, { ...picture, pixels }, createRefinement(matte, thumbnail, { refine }))
  return pixels
}

function isSoft({ values }: AlphaPlane): boolean {
  let count = 0
  for (const value of values) if (value > 0.05 && value < 0.95) count += 1
  return count >= values.length * leastSoft
}

/** Compares an alpha with the truth, both of the picture's size. */
export function measure(seen: AlphaPlane, truth: AlphaPlane): Omit<Result, 'set' | 'name' | 'model'> {
  const [small, smallTruth] = [seen, truth].map((plane) => resizePlane(plane, comparedSide, comparedSide)) as [
    AlphaPlane,
    AlphaPlane,
  ]
  const [large, largeTruth] = [boundPlane(seen, edgeSide), boundPlane(truth, edgeSide)]
  const hasSubject = smallTruth.values.some((value) => value > 0.5)
  return {
    iou: measureIou(small, smallTruth),
    mae: measureMae(small, smallTruth),
    structure: measureStructure(small, smallTruth),
    boundaryIou: measureBoundaryIou(large, largeTruth),
    soft: isSoft(truth) ? { sad: measureSad(large, largeTruth), gradient: measureGradient(large, largeTruth) } : null,
    curve: hasSubject ? measurePrecisionRecall(small, smallTruth) : null,
  }
}

async function evaluateExample(
  set: string,
  { name, open }: Example,
  models: readonly EvalModel[],
  refine: MatteOptions['refine'],
): Promise<Shown[]> {
  const { picture, truth } = await open()
  const shown: Shown[] = []
  for (const model of models) {
    const pixels = await cutOut(picture, model, refine)
    const seen = readPlane(pixels, picture.width, picture.height, 3, 4)
    const result = { set, name, model: model.name, ...measure(seen, truth) }
    shown.push({ result, picture, truth, cutOut: pixels })
  }
  return shown
}

export interface EvalOptions {
  readonly refine?: MatteOptions['refine']
  /** Most examples of each set, from its beginning. */
  readonly limit?: number
  /** Called with what all models made of a picture, in their order; nothing of it is kept here. */
  show?(shown: readonly Shown[]): Promise<void>
}

/** Measures models on sets, picture by picture: one of them lies in memory at a time. */
export async function evaluate(
  sets: readonly ExampleSet[],
  models: readonly EvalModel[],
  { refine = defaultMatteOptions.refine, limit = Infinity, show }: EvalOptions = {},
): Promise<Result[]> {
  const results: Result[] = []
  for (const { name, examples } of sets) {
    for (const example of examples.slice(0, limit)) {
      const shown = await evaluateExample(name, example, models, refine)
      results.push(...shown.map(({ result }) => result))
      await show?.(shown)
    }
  }
  return results
}

/** The figures of several pictures: means, but the maximum F-measure, which is one of the set. */
export interface Summary {
  readonly pictures: number
  readonly iou: number
  readonly mae: number
  readonly maxF: number | null
  readonly structure: number
  readonly boundaryIou: number
  readonly sad: number | null
  readonly gradient: number | null
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length
const meanOrNull = (numbers: readonly number[]): number | null => (numbers.length > 0 ? mean(numbers) : null)

/** Sums up results, of which there is at least one. SAD and gradient are of the pictures with soft truths alone. */
export function summarize(results: readonly Result[]): Summary {
  const curves = results.flatMap(({ curve }) => (curve ? [curve] : []))
  const soft = results.flatMap((result) => (result.soft ? [result.soft] : []))
  return {
    pictures: results.length,
    iou: mean(results.map(({ iou }) => iou)),
    mae: mean(results.map(({ mae }) => mae)),
    maxF: curves.length > 0 ? findMaxF(curves) : null,
    structure: mean(results.map(({ structure }) => structure)),
    boundaryIou: mean(results.map(({ boundaryIou }) => boundaryIou)),
    sad: meanOrNull(soft.map(({ sad }) => sad)),
    gradient: meanOrNull(soft.map(({ gradient }) => gradient)),
  }
}
