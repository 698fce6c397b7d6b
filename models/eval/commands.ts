import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultMostDoubt } from '../../src/matte/options.ts'
import { loadModel } from '../../workers/container/inference.ts'
import { defaultMatteModel, type MatteModel } from '../index.ts'
import { isMeaning, meanings } from '../meaning.ts'
import { modelsFolder } from '../verify.ts'
import { describeRun } from './bench.ts'
import { createCascade, doubtOf, drawCurve, remember } from './cascade.ts'
import { createEvalModel, type EvalModel, type FileOptions, findRow, openModel } from './eval-model.ts'
import { comparedSide, edgeSide, evaluate } from './evaluate.ts'
import type { ExampleSet } from './examples.ts'
import { formatFigures } from './figures.ts'
import { readFolder } from './folders.ts'
import { Sheet } from './sheet.ts'
import { readShippedSets } from './shipped.ts'
import { standardSets, writeSet } from './standard-sets.ts'
import { UsageError } from './usage-error.ts'

export { UsageError } from './usage-error.ts'

/** The model of `quality=best`. */
const CONTAINER_MODEL = 'isnet-1024'
/** Names the two models of `quality=auto` together. */
const CASCADE = 'cascade'

const fileOptions = {
  size: { type: 'string' },
  mean: { type: 'string' },
  std: { type: 'string' },
  meaning: { type: 'string' },
} as const

function readCount(name: string, text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count > 0) return count
  throw new UsageError(`${name} must be a whole number above 0`)
}

type Triple = readonly [number, number, number]

function readTriple(text: string): Triple {
  const numbers = text.split(',').map(Number)
  if (numbers.length !== 3 || numbers.some(Number.isNaN))
    throw new UsageError(`"${text}" is not three numbers with commas`)
  return numbers as unknown as Triple
}

function readFileOptions(values: Partial<Record<keyof typeof fileOptions, string>>): FileOptions {
  const { size, mean, std, meaning } = values
  if (meaning !== undefined && !isMeaning(meaning)) {
    throw new UsageError(`--meaning may be ${meanings.join(' or ')}`)
  }
  return {
    ...(size && { size: readCount('--size', size) }),
    ...(mean && { mean: readTriple(mean) }),
    ...(std && { std: readTriple(std) }),
    ...(meaning && { meaning }),
  }
}

function readRefine(text: string): 'none' | 'decontaminate' {
  if (text === 'none' || text === 'decontaminate') return text
  throw new UsageError('--refine may be none or decontaminate')
}

function readShare(option: string, text: string): number {
  const share = text === '' ? Number.NaN : Number(text)
  if (share >= 0 && share <= 1) return share
  throw new UsageError(`${option} must be a number from 0 to 1`)
}

/** What is in a folder that somebody names. */
const readNamed = (folder: string): Promise<ExampleSet[]> =>
  readFolder(resolve(folder)).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === 'scandir') throw new UsageError(`${folder} cannot be read: ${error.message}`)
    throw error
  })

/** The sets of some folders, which are called by their paths where several have the same name. */
async function readSets(given: readonly string[]): Promise<ExampleSet[]> {
  if (given.length === 0) return readShippedSets()
  const folders = [...new Set(given)]
  const isClear = new Set(folders.map((folder) => basename(resolve(folder)))).size === folders.length
  const lists = await Promise.all(folders.map(readNamed))
  const sets = lists.flatMap((list, i) => {
    const [folder, own] = [folders[i]!, basename(resolve(folders[i]!))]
    return isClear ? list : list.map((set) => ({ ...set, name: folder + set.name.slice(own.length) }))
  })
  if (sets.length === 0) throw new UsageError(`No pairs of a photograph and a mask lie in ${folders.join(', ')}`)
  return sets
}

const keyOf = ({ id, file }: MatteModel): string => `${id} ${file}`

/**
 * The models that are named, each once: called by their ids, or as they were named where files have the same one.
 * `cascade` shares its two with the others.
 */
async function openModels(names: readonly string[], options: FileOptions, mostDoubt: number): Promise<EvalModel[]> {
  const find = (name: string) => findRow(name, options)
  const rows = new Map<string, MatteModel>()
  for (const name of names) if (name !== CASCADE) rows.set(name, await find(name))
  const opened = new Map<string, EvalModel>()
  const open = async (row: MatteModel, name = row.id): Promise<EvalModel> => {
    const model = opened.get(keyOf(row)) ?? remember(createEvalModel(await loadModel(row, modelsFolder), name))
    opened.set(keyOf(row), model)
    return model
  }
  const openCascade = async () =>
    createCascade(await open(await find(defaultMatteModel.id)), await open(await find(CONTAINER_MODEL)), mostDoubt)
  const models = new Set<EvalModel>()
  for (const name of new Set(names)) {
    const row = rows.get(name)
    const isClear = [...rows.values()].every((other) => other.id !== row?.id || keyOf(other) === keyOf(row))
    models.add(row ? await open(row, isClear ? row.id : name) : await openCascade())
  }
  return [...models]
}

/**
 * `eval [--data DIR]... [--model NAME|FILE]... [--sheet DIR] [--limit N] [--refine none]`: one table for all models on
 * all sets. For files without a row: `--size N`, `--mean R,G,B`, `--std R,G,B`, `--meaning alpha|logit|minmax`. The
 * model `cascade` is `quality=auto` where there is a Container, with `--most-doubt N`.
 */
export async function evaluateModels(...parameters: string[]): Promise<void> {
  const { values } = parseArgs({
    args: parameters,
    options: {
      ...fileOptions,
      data: { type: 'string', multiple: true, default: [] },
      model: { type: 'string', multiple: true, default: [defaultMatteModel.id] },
      sheet: { type: 'string' },
      limit: { type: 'string' },
      refine: { type: 'string', default: 'decontaminate' },
      'most-doubt': { type: 'string', default: String(defaultMostDoubt) },
    },
  })
  const mostDoubt = readShare('--most-doubt', values['most-doubt'])
  const sets = await readSets(values.data)
  const models = await openModels(values.model, readFileOptions(values), mostDoubt)
  const sheet = values.sheet === undefined ? null : new Sheet(resolve(values.sheet))
  const results = await evaluate(sets, models, {
    ...(values.limit !== undefined && { limit: readCount('--limit', values.limit) }),
    refine: readRefine(values.refine),
    ...(sheet && { show: (shown) => sheet.add(shown) }),
  })
  console.log(
    `IoU at one half, MAE, maximum F (beta squared 0.3) and S of maps at ${comparedSide} x ${comparedSide} px; boundary ` +
      `IoU, SAD and gradient error (in thousands, soft truths alone) at ${edgeSide} px at most.\n`,
  )
  console.log(formatFigures(results))
  if (sheet) console.log(`\n${Object.values(await sheet.finish()).join('\n')}`)
}

/**
 * `cascade [--data DIR]... [--model NAME|FILE]`: what passing doubtful pictures on to the Container is worth, by the share
 * that goes on. The threshold that is chosen is `MATTE_MOST_DOUBT`.
 */
export async function measureCascade(...parameters: string[]): Promise<void> {
  const { values } = parseArgs({
    args: parameters,
    options: {
      ...fileOptions,
      data: { type: 'string', multiple: true, default: [] },
      model: { type: 'string', default: defaultMatteModel.id },
    },
  })
  const doubts: number[] = []
  const edge = await openModel(values.model, readFileOptions(values))
  const doubting: EvalModel = {
    name: edge.name,
    async matte(picture) {
      const sight = await edge.matte(picture)
      doubts.push(doubtOf(sight))
      return sight
    },
  }
  const results = await evaluate(await readSets(values.data), [doubting, await openModel(CONTAINER_MODEL)])
  const [ofEdge, ofContainer] = [results.filter((_, i) => i % 2 === 0), results.filter((_, i) => i % 2 === 1)]
  const seen = doubts.map((doubt, i) => ({ doubt, edge: ofEdge[i]!, container: ofContainer[i]! }))
  console.log('| most doubt | go on | IoU | MAE | IoU if by chance |\n|---|---|---|---|---|')
  for (const { mostDoubt, share, iou, mae, byChance } of drawCurve(seen)) {
    const cells = [
      mostDoubt.toFixed(3),
      `${(100 * share).toFixed(0)} %`,
      iou.toFixed(3),
      mae.toFixed(4),
      byChance.toFixed(3),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

/** `eval-sets --out DIR [--ccp-100 CLONE] [--u2net-18 CLONE]`: the larger sets, from clones of their repositories. */
export async function writeSets(...parameters: string[]): Promise<void> {
  const text = { type: 'string' } as const
  const clones = { 'ccp-100': text, 'u2net-18': text } satisfies Record<(typeof standardSets)[number]['name'], object>
  const { values } = parseArgs({ args: parameters, options: { ...clones, out: text } })
  const given = standardSets.filter(({ name }) => values[name] !== undefined)
  if (values.out === undefined || given.length === 0) {
    console.error('Usage: npm run models -- eval-sets --out DIR, and clones of one or more of:')
    for (const { name, repository, about } of standardSets)
      console.error(`  --${name} CLONE   ${repository} (${about})`)
    process.exit(1)
  }
  for (const set of given) {
    const out = resolve(values.out, set.name)
    console.log(`${out}: ${await writeSet(set, values[set.name] as string, out)} pairs`)
  }
}

/** `bench NAME|FILE [--size N]`: what it takes to load and to run a model, in a process of its own. */
export async function bench(...parameters: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args: parameters, allowPositionals: true, options: fileOptions })
  const [name = defaultMatteModel.id] = positionals
  console.log(await describeRun(await findRow(name, readFileOptions(values))))
}
