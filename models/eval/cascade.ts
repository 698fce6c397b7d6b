import { isEmpty, measureDoubt } from '../../workers/matte/alpha.ts'
import type { Picture } from '../../workers/matte/picture.ts'
import type { EvalModel, Sight } from './eval-model.ts'
import type { Result } from './evaluate.ts'

/** Answers a picture that it has just seen without looking again: several may ask it for the same one. */
export function remember({ name, matte }: EvalModel): EvalModel {
  const seen = new WeakMap<Picture, Promise<Sight>>()
  return {
    name,
    matte(picture) {
      const sight = seen.get(picture) ?? matte(picture)
      seen.set(picture, sight)
      return sight
    },
  }
}

/** The doubt of a matte, as `quality=auto` weighs it: one without a foreground is as doubtful as can be. */
export const doubtOf = ({ matte }: Sight): number => (isEmpty(matte) ? 1 : measureDoubt(matte))

/** `quality=auto` where there is a Container: its model where the edge's has more doubt than `mostDoubt`. */
export function createCascade(edge: EvalModel, container: EvalModel, mostDoubt: number): EvalModel {
  return {
    name: 'cascade',
    async matte(picture) {
      const sight = await edge.matte(picture)
      return doubtOf(sight) > mostDoubt ? container.matte(picture) : sight
    },
  }
}

/** One picture, as both models of a cascade see it. */
export interface SeenTwice {
  readonly doubt: number
  readonly edge: Pick<Result, 'iou' | 'mae'>
  readonly container: Pick<Result, 'iou' | 'mae'>
}

/** What a cascade is worth with one threshold. */
export interface CurvePoint {
  readonly mostDoubt: number
  /** Share of the pictures that go on to the Container. */
  readonly share: number
  readonly iou: number
  readonly mae: number
  /** The IoU if as many pictures went on by chance. */
  readonly byChance: number
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, value) => sum + value, 0) / numbers.length

/** The curve of quality against the share of pictures that go on, from nobody to everybody, in so many steps. */
export function drawCurve(seen: readonly SeenTwice[], steps = 10): CurvePoint[] {
  const doubts = seen.map(({ doubt }) => doubt).toSorted((a, b) => b - a)
  const [nobody, everybody] = [mean(seen.map(({ edge }) => edge.iou)), mean(seen.map(({ container }) => container.iou))]
  return Array.from({ length: steps + 1 }, (_, i) => {
    const count = Math.round((seen.length * i) / steps)
    // Between the last that goes on and the first that does not.
    const [above = 1, below = 0] = [doubts[count - 1], doubts[count]]
    const mostDoubt = count === seen.length ? 0 : (above + below) / 2
    const chosen = seen.map((picture) => (picture.doubt > mostDoubt ? picture.container : picture.edge))
    const share = seen.filter(({ doubt }) => doubt > mostDoubt).length / seen.length
    return {
      mostDoubt,
      share,
      iou: mean(chosen.map(({ iou }) => iou)),
      mae: mean(chosen.map(({ mae }) => mae)),
      byChance: nobody + (everybody - nobody) * share,
    }
  })
}
