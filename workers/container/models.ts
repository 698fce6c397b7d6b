import { defaultMatteModel, type MatteModel } from '../../models/index.ts'
import type { PulledModel } from '../../models/pulled-model.ts'
import { findModel } from '../../models/registry.ts'
import type { MatteOptions } from '../../src/matte/options.ts'
import type { LoadedModel } from './inference.ts'

const MiB = 1024 * 1024
/** What the process takes beside pictures: Node and the fast model (docs/benchmarks.md). */
const reserved = 300 * MiB
/** What pictures have, whatever else there is. */
export const leastBudget = 512 * MiB

/** Which models are served, and why others are not. */
export interface Selection {
  /** Beside the fast one. The first is what `quality=best` gets. */
  readonly models: readonly PulledModel[]
  readonly leftOut: readonly { readonly id: string; readonly reason: string }[]
  /** What is left for pictures, in bytes. */
  readonly budget: number
}

interface Circumstances {
  /** Ids, separated by commas, the preferred first; empty: the first that is here and may be sold. */
  readonly names: string
  readonly rows: readonly PulledModel[]
  isHere(model: PulledModel): boolean
  /** What the process may use, in bytes. */
  readonly memory: number
}

/** The rows that were asked for, in that order. @throws Error naming an id that has no row */
function chooseRows({ names, rows, isHere }: Circumstances): readonly PulledModel[] {
  const asked = names.split(',').filter((name) => name && name !== defaultMatteModel.id)
  if (names === '') return rows.filter((row) => row.commercial && isHere(row)).slice(0, 1)
  return asked.map((name) => {
    const row = findModel(name, rows)
    if (!row) throw new Error(`MATTE_MODELS names "${name}"; there is ${rows.map(({ id }) => id).join(', ')}`)
    return row
  })
}

/** Chooses the models for which there are files and memory, as long as pictures have enough of it. */
export function selectModels(circumstances: Circumstances): Selection {
  const { isHere, memory } = circumstances
  const models: PulledModel[] = []
  const leftOut: { id: string; reason: string }[] = []
  let budget = memory - reserved
  for (const row of chooseRows(circumstances)) {
    const left = budget - row.memoryMiB * MiB
    const reason = !isHere(row) ? 'its file is not here' : left < leastBudget ? 'there is no memory for it' : null
    if (reason) leftOut.push({ id: row.id, reason })
    else {
      models.push(row)
      budget = left
    }
  }
  return { models, leftOut, budget: Math.max(leastBudget, budget) }
}

/** The models of one process: loaded from the start, each once. */
export class ModelShelf {
  readonly #fast: Promise<LoadedModel>
  readonly #others: ReadonlyMap<string, Promise<LoadedModel | null>>
  readonly #rows: readonly MatteModel[]
  readonly #loaded = new Set<string>()

  /** @param load loads a model's file; a rejection is logged, and the fast model serves in place of the best */
  constructor(models: readonly MatteModel[], load: (model: MatteModel) => Promise<LoadedModel>) {
    const keep = async (model: MatteModel): Promise<LoadedModel> => {
      const loaded = await load(model)
      this.#loaded.add(model.id)
      return loaded
    }
    this.#rows = [defaultMatteModel, ...models]
    this.#fast = keep(defaultMatteModel)
    this.#others = new Map(
      models.map((model) => [
        model.id,
        keep(model).catch((error: unknown) => {
          console.error(JSON.stringify({ event: 'model_refused', model: model.id, message: String(error) }))
          return null
        }),
      ]),
    )
  }

  /** Ids of the models that are loaded. */
  get loaded(): readonly string[] {
    return [...this.#loaded]
  }

  /** Resolves when every model is loaded or refused. @throws if the fast one is refused */
  async ready(): Promise<void> {
    await Promise.all([this.#fast, ...this.#others.values()])
  }

  /**
   * The model that was chosen, with or without its size as `MATTE_MODELS` may name it, null if it is not served; or the
   * one that a quality gets.
   */
  async find({ quality, model }: Pick<MatteOptions, 'quality' | 'model'>): Promise<LoadedModel | null> {
    if (model !== undefined) {
      const id = findModel(model, this.#rows)?.id
      return id === defaultMatteModel.id ? this.#fast : ((await this.#others.get(id ?? '')) ?? null)
    }
    if (quality === 'fast') return this.#fast
    const [best] = this.#others.values()
    return (await best) ?? this.#fast
  }
}
