import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type MatteModel, matteModels } from './index.ts'

/** The folder of the table and of the files. */
export const modelsFolder = resolve(fileURLToPath(import.meta.url), '..')

/** Where a model's file lies, as an absolute path. */
export const locateModel = (model: Pick<MatteModel, 'file'>, folder = modelsFolder): string =>
  resolve(folder, model.file)

/** The sum of a file: SHA-256 in lower-case hex unless another is asked for. The file never lies in memory as a whole. */
export async function hashFile(
  path: string,
  algorithm: 'sha256' | 'sha512' = 'sha256',
  encoding: 'hex' | 'base64' = 'hex',
): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest(encoding)
}

/** Where the sum of a pulled file is written down, in the form of `sha256sum`. */
export const locateSum = (model: Pick<MatteModel, 'file'>, folder = modelsFolder): string =>
  `${locateModel(model, folder)}.sha256`

/**
 * The SHA-256 that a model's file must have, in lower-case hex: its row's, or, where nobody has published one, that of
 * the file as it was pulled. Null if there is neither.
 */
export function readSum(model: Pick<MatteModel, 'file' | 'sha256'>, folder = modelsFolder): string | null {
  const written = locateSum(model, folder)
  if (model.sha256 || !existsSync(written)) return model.sha256
  return /^[\da-f]{64}\b/.exec(readFileSync(written, 'utf8'))?.[0] ?? null
}

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
    const wanted = readSum(model, folder)
    if (sha256 === wanted && bytes.length === (model.bytes ?? bytes.length)) return []
    return [
      `${path} has sha256 ${sha256} and ${bytes.length} bytes; the row of ${model.id} in models/ says ` +
        `${wanted ?? 'no sum'} and ${model.bytes ?? 'no size'}. Restore the file, or write a row for the new one.`,
    ]
  })
}
