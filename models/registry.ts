import { downloadedModels } from './downloads.ts'
import { type MatteModel, matteModels } from './index.ts'
import { packagedModels } from './packaged.ts'
import type { PulledModel } from './pulled-model.ts'

/** Models that are too large for this repository, the preferred first. Their files lie in `pulled/`, which git ignores. */
export const pulledModels: readonly PulledModel[] = [...packagedModels, ...downloadedModels]

/** Every matte model there is a row for. */
export const allModels: readonly MatteModel[] = [...matteModels, ...pulledModels]

/**
 * The model of these that is named so: by its id, or by its id without the size where that fits one alone, such as
 * `isnet` for `isnet-1024`.
 */
export function findModel<Model extends MatteModel>(name: string, models: readonly Model[]): Model | undefined {
  const exact = models.find(({ id }) => id === name)
  const similar = models.filter(({ id }) => id.replace(/-\d+$/, '') === name)
  return exact ?? (similar.length === 1 ? similar[0] : undefined)
}
