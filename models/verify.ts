import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MatteModel, matteModels } from './index.ts'

/** The folder of the table and of the files. */
export const modelsFolder = resolve(fileURLToPath(import.meta.url), '..')

/** Where a model's file lies, as an absolute path. */
export const locateModel = (model: MatteModel, folder = modelsFolder): string => resolve(folder, model.file)

/**
 * Compares every model file in `folder` with its row. Answers one sentence for each that is missing or differs; none
 * means that all are right.
 */
export function verifyModels(models: readonly MatteModel[] = matteModels, folder = modelsFolder): string[] {
  return models.flatMap((model) => {
    const path = locateModel(model, folder)
    if (!existsSync(path)) return [`${path} is missing; the model ${model.id} needs it.`]
    const bytes = readFileSync(path)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (sha256 === model.sha256 && bytes.length === model.bytes) return []
    return [
      `${path} has sha256 ${sha256} and ${bytes.length} bytes; the row of ${model.id} in models/index.ts says ` +
        `${model.sha256} and ${model.bytes}. Restore the file, or write a row for the new one.`,
    ]
  })
}
