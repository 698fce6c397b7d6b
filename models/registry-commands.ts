import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { matteModels } from './index.ts'
import { pullModel } from './pull.ts'
import { PullError } from './pull-error.ts'
import { allModels, findModel, pulledModels } from './registry.ts'
import { locateModel, verifyModels } from './verify.ts'

const isHere = (model: (typeof pulledModels)[number]): boolean => existsSync(locateModel(model))

const count = (bytes: number | null): string => (bytes === null ? 'unknown' : bytes.toLocaleString('en-US'))

/** Prints every model there is a row for. */
export async function list(): Promise<void> {
  for (const { id, file, bytes, licence, input, source } of allModels) {
    console.log(`${id}  ${file}, ${count(bytes)} bytes, ${licence}, ${input.size} px\n  ${source}`)
  }
  console.log()
  for (const model of pulledModels) {
    const { id, memory, memoryMiB, commercial } = model
    const state = isHere(model) ? 'is here' : `is not here yet: npm run models -- pull ${id}`
    const terms = commercial ? '' : ' Not for a service that takes money.'
    console.log(`${id} (${memory}, ${count(memoryMiB)} MiB) ${state}.${terms}`)
  }
}

/** Compares the files that are here with their rows; exit status 1 if one differs. */
export async function verify(): Promise<void> {
  const models = [...matteModels, ...pulledModels.filter(isHere)]
  const faults = verifyModels(models)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exit(1)
  console.log(`${models.length} of ${models.length} model files are as their rows in models/ say`)
}

/** `pull NAME... [--non-commercial] [--accept-unverified]`; exit status 1 if one cannot be had. */
export async function pull(...parameters: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: parameters,
    allowPositionals: true,
    options: { 'non-commercial': { type: 'boolean' }, 'accept-unverified': { type: 'boolean' } },
  })
  const consent = {
    nonCommercial: values['non-commercial'] ?? false,
    unverified: values['accept-unverified'] ?? false,
  }
  for (const name of positionals.length > 0 ? positionals : ['']) {
    const model = findModel(name, pulledModels)
    if (!model) {
      console.error(`There is no "${name}" to pull; there is ${pulledModels.map(({ id }) => id).join(', ')}.`)
      process.exit(1)
    }
    await pullModel(model, console.log, consent).catch((error: unknown) => {
      if (!(error instanceof PullError)) throw error
      console.error(error.message)
      process.exit(1)
    })
  }
}
