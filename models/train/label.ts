import { createHash } from 'node:crypto'
import { appendFile, mkdir, readdir, readFile, truncate } from 'node:fs/promises'
import { basename, dirname, extname, join, relative } from 'node:path'
import sharp from 'sharp'
import { judge, judgeEmpty, type Measures } from './agreement.ts'
import { mendMatte } from './mend.ts'
import { Cache, openPhoto, type Plane, readPlane } from './pictures.ts'
import { shuffle } from './random.ts'
import { seePhoto } from './see.ts'
import { sources } from './sources.ts'
import { type Teacher, TeacherError } from './teacher.ts'

/** One line of `labels.jsonl`. */
export type Label = { readonly sha256: string; readonly photo: string } & (
  | ({ readonly width: number; readonly height: number } & Outcome & { readonly measures: Measures })
  | { readonly broken: string }
)

interface Outcome {
  /** What became of the photograph. */
  readonly kept: 'pair' | 'rough pair' | 'ground' | null
  /** Why its label was thrown away, if it was. */
  readonly thrown: string | null
}

export interface LabelOptions {
  /** Folder of photographs, each in the folder of its source. */
  readonly photos: string
  /** Folder of training data: `labels.jsonl`, `pairs`, `grounds`; it may have rough masks in `rough`. */
  readonly cache: string
  /** Each labels a photograph at a time. */
  readonly teachers: readonly Teacher[]
  /** Most photographs to label now. */
  readonly limit?: number
  readonly say: (line: string) => void
}

/** Sources whose photographs are wanted where nothing is to be seen on them. */
const emptied = new Set(sources.filter(({ use }) => use === 'emptied' || use === 'beside').map(({ name }) => name))

const readRough = (cache: string, source: string, id: string): Promise<Plane | undefined> =>
  readFile(join(cache, 'rough', source, `${id}.png`)).then(
    (file) => readPlane(sharp(file).toColourspace('b-w').extractChannel(0)),
    () => undefined,
  )

/** What is labelled already. A last line that was cut off is no label. */
export async function readLabels(cache: string): Promise<Label[]> {
  const text = await readFile(join(cache, 'labels.jsonl'), 'utf8').catch(() => '')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole.split('\n').flatMap((line) => (line ? [JSON.parse(line) as Label] : []))
}

/** Cuts off a last line that was being written when a run was killed; the lines before it are not touched. */
async function dropCutLine(list: string): Promise<void> {
  const file = await readFile(list).catch(() => null)
  const end = (file?.lastIndexOf('\n') ?? -1) + 1
  if (file && end < file.length) await truncate(list, end)
}

/** Sees a photograph and keeps what may be kept of it. */
async function labelPhoto(file: Buffer, source: string, id: string, teacher: Teacher, folder: string) {
  const cache = new Cache(folder)
  const isGround = emptied.has(source)
  const rough = await readRough(folder, source, id)
  const { alpha, ...about } = await seePhoto(file, teacher, isGround ? judgeEmpty : judge, rough)
  const label = about.thrown !== null ? rough : rough ? await mendMatte(alpha, rough) : alpha
  if (isGround) {
    if (about.thrown === null) await cache.writeGround(source, id, openPhoto(file))
    return { ...about, kept: about.thrown === null ? ('ground' as const) : null }
  }
  if (label) await cache.writePair(source, id, openPhoto(file), label)
  return { ...about, kept: about.thrown === null ? ('pair' as const) : rough ? ('rough pair' as const) : null }
}

/**
 * Labels photographs by the teacher's matte, each once however often it lies there, in an order that mixes the sources
 * and is the same in every run. It may be killed at any moment and goes on where it was; what cannot be decoded is a line
 * with the reason, and no end.
 * @throws TeacherError if a teacher ends before its time
 * @returns how many were labelled, and how many of these are to be trusted
 */
export async function labelPhotos(
  options: LabelOptions,
): Promise<{ readonly labelled: number; readonly kept: number }> {
  const { photos, cache, teachers, limit = Infinity, say } = options
  await mkdir(cache, { recursive: true })
  const list = join(cache, 'labels.jsonl')
  const before = await readLabels(cache)
  const done = new Set(before.map(({ sha256 }) => sha256))
  await dropCutLine(list)
  const entries = await readdir(photos, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && /\.(jpe?g|png|webp)$/i.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
  const waiting = shuffle(paths)
  let [labelled, kept] = [0, 0]
  const began = Date.now()

  async function labelNext(path: string, teacher: Teacher): Promise<void> {
    const file = await readFile(path)
    const sha256 = createHash('sha256').update(file).digest('hex')
    if (done.has(sha256) || labelled >= limit) return
    done.add(sha256)
    labelled += 1
    const about = { sha256, photo: relative(photos, path) }
    const [source, id] = [basename(dirname(path)), basename(path, extname(path))]
    let line: Label
    try {
      const label = await labelPhoto(file, source, id, teacher, cache)
      line = { ...about, ...label }
      if (label.thrown === null) kept += 1
    } catch (error) {
      if (error instanceof TeacherError) throw error
      line = { ...about, broken: error instanceof Error ? error.message : String(error) }
    }
    // What is kept came first: a line says that it is there.
    await appendFile(list, `${JSON.stringify(line)}\n`)
    if (labelled % 20 > 0) return
    const perMinute = (labelled / (Date.now() - began)) * 60_000
    say(
      `${labelled} labelled, ${kept} of them kept; ${perMinute.toFixed(0)} a minute, ${paths.length} photographs in all`,
    )
  }

  await Promise.all(
    teachers.map(async (teacher) => {
      for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) await labelNext(path, teacher)
    }),
  )
  return { labelled, kept }
}
