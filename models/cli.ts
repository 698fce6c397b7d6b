/** `npm run models -- list | verify`: what matte models there are, and whether their files are the right ones. */
import { matteModels } from './index.ts'
import { verifyModels } from './verify.ts'

function list(): void {
  for (const { id, file, bytes, licence, input, source } of matteModels) {
    console.log(`${id}  ${file}, ${bytes.toLocaleString('en-US')} bytes, ${licence}, ${input.size} px\n  ${source}`)
  }
}

function verify(): void {
  const faults = verifyModels()
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exit(1)
  console.log(`${matteModels.length} of ${matteModels.length} model files are as models/index.ts says`)
}

const commands: Readonly<Record<string, () => void>> = { list, verify }
const command = commands[process.argv[2] ?? 'list']
if (command) command()
else {
  console.error(`There is no "${process.argv[2]}"; use ${Object.keys(commands).join(' or ')}.`)
  process.exit(1)
}
