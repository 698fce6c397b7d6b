import type { Sharp } from 'sharp'
import sharp from 'sharp'
import { compareMattes, type Measures, measureMatte } from './agreement.ts'
import { fitSize, openAlpha, openPhoto, type Plane, readPlane, resizeAlpha } from './pictures.ts'
import type { Teacher } from './teacher.ts'

/** Longer side of a photograph before the teacher's square is made of it. */
const seenSide = 1280
/** Side of the squares in which mattes are compared. */
const comparedSide = 256
/** Share of each side that the middle of a photograph has. */
const middle = 0.85
/**
 * Mattes with narrower edges than the first, or than the second where there is no fog, are hardly ever contradicted by
 * their mirror image (3 of 230): one view is enough.
 */
const crisp = { blur: 2.4, blurWithoutFog: 5, fog: 0.001 }
/** Mattes that agree less with their mirror image, or are more foggy, are held against the middle's matte too. */
const doubtful = { mirrorIou: 0.95, fog: 0.015 }
/** Alpha that becomes 0 and 1: the teacher is never quite sure. */
const settled = [0.06, 0.94] as const

/** Why a label is thrown away, by what is measured so far; null if it is not. */
type Judge = (measures: Measures) => string | null

/** A label, or why there is none. */
export interface Seen {
  readonly width: number
  readonly height: number
  readonly measures: Measures
  readonly thrown: string | null
  readonly alpha: Plane
}

const isCrisp = ({ blur, fog }: Measures): boolean => blur < (fog < crisp.fog ? crisp.blurWithoutFog : crisp.blur)

const compared = async (alpha: Plane): Promise<Buffer> => (await resizeAlpha(alpha, comparedSide, comparedSide)).data

async function look(view: Sharp, { input, infer }: Teacher): Promise<Plane> {
  const { size, mean, std } = input
  const { data } = await readPlane(view.resize(size, size, { fit: 'fill' }))
  const tensor = new Float32Array(3 * size * size)
  for (let i = 0; i < data.length; i += 1) {
    const channel = i % 3
    tensor[channel * size * size + (i - channel) / 3] = (data[i]! / 255 - mean[channel]!) / std[channel]!
  }
  return { data: Buffer.from(await infer(tensor)), width: size, height: size }
}

const flop = (alpha: Plane): Promise<Plane> => readPlane(openAlpha(alpha).flop().extractChannel(0))

function settle({ data, ...size }: Plane): Plane {
  const [low, high] = settled.map((alpha) => alpha * 255) as [number, number]
  const stretched = data.map((value) => Math.round(Math.min(1, Math.max(0, (value - low) / (high - low))) * 255))
  return { ...size, data: Buffer.from(stretched) }
}

function middleOf({ width, height }: Pick<Plane, 'width' | 'height'>) {
  const [left, top] = [width, height].map((side) => Math.round((side * (1 - middle)) / 2)) as [number, number]
  return { left, top, width: width - 2 * left, height: height - 2 * top }
}

/**
 * Sees a photograph as it is; mirrored, unless its edges leave no doubt; and its middle, if there is doubt. Judges after
 * each view, so that what is thrown away at once costs no more. The label is the mean of the first two.
 * @param rough a mask of the photograph that the label must not contradict
 */
export async function seePhoto(file: Buffer, teacher: Teacher, judge: Judge, rough?: Plane): Promise<Seen> {
  const photo = openPhoto(file).resize(seenSide, seenSide, { fit: 'inside', withoutEnlargement: true })
  const { data, width, height } = await readPlane(photo)
  const open = () => sharp(data, { raw: { width, height, channels: 3 } })
  const measure = async (alpha: Plane): Promise<Measures> => {
    const seen = await compared(alpha)
    const shape = measureMatte(seen)
    return rough ? { ...shape, roughIou: compareMattes(seen, await compared(rough)).iou } : shape
  }
  const answer = async (alpha: Plane, measures: Measures): Promise<Seen> => {
    const kept = fitSize(width, height)
    const label = await resizeAlpha(settle(alpha), kept.width, kept.height)
    return { width, height, measures, thrown: judge(measures), alpha: label }
  }
  const plain = await look(open(), teacher)
  let measures = await measure(plain)
  if (judge(measures) !== null || (measures.area > 0 && isCrisp(measures))) return answer(plain, measures)

  const mirrored = await flop(await look(open().flop(), teacher))
  const alpha: Plane = {
    ...plain,
    data: Buffer.from(plain.data.map((value, i) => (value + mirrored.data[i]! + 1) >> 1)),
  }
  const mirror = compareMattes(await compared(plain), await compared(mirrored))
  measures = { ...(await measure(alpha)), mirrorIou: mirror.iou, mirrorError: mirror.error }
  const isDoubtful = mirror.iou < doubtful.mirrorIou || measures.fog > doubtful.fog
  if (judge(measures) !== null || !isDoubtful) return answer(alpha, measures)

  const cropped = await look(open().extract(middleOf({ width, height })), teacher)
  const inner = await readPlane(openAlpha(alpha).extract(middleOf(alpha)).extractChannel(0))
  const { iou } = compareMattes(await compared(inner), await compared(cropped))
  return answer(alpha, { ...measures, cropIou: iou })
}
