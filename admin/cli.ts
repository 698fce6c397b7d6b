/**
 * `npm run admin -- …`: what the operator of a deployment should know of, and can do. `PIXTOLL_URL` and `ADMIN_TOKEN` in
 * the environment name the deployment; without them it is the one that `npm run dev` runs.
 */
import { StackError } from '../workers/local/stack-file.ts'
import { AdminError, type Deployment, findDeployment } from './deployment.ts'
import { checkFiles, takeDown } from './files.ts'
import { listPayments } from './payments.ts'

interface Command {
  /** What may follow its name. */
  readonly words: RegExp
  readonly usage: string
  run(deployment: Deployment, words: readonly string[]): Promise<void>
}

const commands: Readonly<Record<string, Command>> = {
  payments: { words: /^$/, usage: 'payments', run: listPayments },
  takedown: { words: /^\S+$/, usage: 'takedown ID|SHA256', run: takeDown },
  fsck: { words: /^(--repair)?$/, usage: 'fsck [--repair]', run: checkFiles },
}

const lines = Object.values(commands).map(({ usage }) => `  npm run admin -- ${usage}`)
const USAGE = ['Usage: [PIXTOLL_URL=https://… ADMIN_TOKEN=…]', ...lines].join('\n')

const [name = '', ...words] = process.argv.slice(2)
const command = Object.hasOwn(commands, name) ? commands[name] : undefined
try {
  if (!command?.words.test(words.join(' '))) throw new AdminError(USAGE)
  await command.run(await findDeployment(), words)
} catch (error) {
  const isSentence = error instanceof AdminError || error instanceof StackError
  console.error(isSentence ? error.message : error)
  process.exitCode = 1
}
