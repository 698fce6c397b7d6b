/**
 * `npm run models -- list | verify | pull NAME`: what matte models there are, whether their files are the right ones,
 * and fetching those that are too large for this repository. `eval`, `eval-sets`, `cascade` and `bench NAME`: how good and
 * how fast they are (models/README.md). `extract MIRROR`, `label [FOLDER [LIMIT]]`, `cut-out`, `label-sheet [kept|thrown]`,
 * `data-card`: data for training (models/train/README.md).
 */
import { list, pull, verify } from './registry-commands.ts'

/** Loaded when it is asked for: the picture library takes a second. */
const train =
  (name: 'extract' | 'label' | 'cutOut' | 'sheet' | 'card') =>
  async (...parameters: string[]): Promise<void> =>
    (await import('./train/commands.ts'))[name](...parameters)

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
  ...{ list, verify, pull },
  eval: measure('evaluateModels'),
  'eval-sets': measure('writeSets'),
  cascade: measure('measureCascade'),
  bench: measure('bench'),
  extract: train('extract'),
  label: train('label'),
  'cut-out': train('cutOut'),
  'label-sheet': train('sheet'),
  'data-card': train('card'),
}
const [name = 'list', ...parameters] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
if (command) {
  await command(...parameters).catch((error: NodeJS.ErrnoException) => {
    if (!error.code?.startsWith('ERR_PARSE_ARGS_')) throw error
    console.error(error.message)
    process.exit(1)
  })
} else {
  console.error(`There is no "${name}"; use ${Object.keys(commands).join(' or ')}.`)
  process.exit(1)
}
