import { describe, expect, it, vi } from 'vitest'
import { defaultMatteModel } from '../../models/index.ts'
import type { PulledModel } from '../../models/pulled-model.ts'
import type { LoadedModel } from '../../workers/container/inference.ts'
import { leastBudget, ModelShelf, selectModels } from '../../workers/container/models.ts'
import { readOdd } from '../images/odd-images.ts'
import { createTools, cutByContainer, discAlpha, discModel } from './kit.ts'

const GiB = 1024 ** 3
const createRow = (id: string, changes: Partial<PulledModel> = {}): PulledModel => ({
  ...discModel,
  ...{ id, commercial: true, memory: 'container', memoryMiB: 1024 },
  origin: { kind: 'url', url: 'https://example.com', md5: null, mostBytes: 1 },
  ...changes,
})
const rows = [createRow('one-64'), createRow('two-64'), createRow('forbidden-64', { commercial: false })]

/** Ids that are served, those that are left out with the reason, and the GiB that pictures have. */
function select(names: string, { here = rows.map(({ id }) => id), memory = 8 * GiB } = {}) {
  const { models, leftOut, budget } = selectModels({ names, rows, isHere: ({ id }) => here.includes(id), memory })
  return { models: models.map(({ id }) => id), leftOut, budget: Math.round((budget / GiB) * 10) / 10 }
}

describe('the models that are served', () => {
  it('are the first that is here, and no other, where nobody names any', () => {
    expect(select('')).toEqual({ models: ['one-64'], leftOut: [], budget: 6.7 })
    expect(select('', { here: ['two-64', 'forbidden-64'] }).models).toEqual(['two-64'])
  })
  it('are never one that may not be sold, unless it is named', () => {
    expect(select('', { here: ['forbidden-64'] }).models).toEqual([])
    expect(select('forbidden-64').models).toEqual(['forbidden-64'])
  })
  it('are those that are named, in that order, with or without their size; the fast one is there anyway', () => {
    expect(select(`two,${defaultMatteModel.id},one-64`)).toEqual({
      models: ['two-64', 'one-64'],
      leftOut: [],
      budget: 5.7,
    })
    expect(select(defaultMatteModel.id).models).toEqual([])
  })
  it('lack what is not here or has no memory, with the reason, and pictures keep theirs', () => {
    expect(select('one-64,two-64', { here: ['two-64'], memory: 1.5 * GiB })).toEqual({
      models: [],
      leftOut: [
        { id: 'one-64', reason: 'its file is not here' },
        { id: 'two-64', reason: 'there is no memory for it' },
      ],
      budget: 1.2,
    })
    expect(select('one-64', { memory: 0 }).budget * GiB).toBe(leastBudget)
  })
  it('are never guessed', () => expect(() => select('three')).toThrow(/names "three"; there is one-64, two-64/))
})

/** A shelf whose models see nothing, but for those that cannot be loaded. */
function createShelf(broken: readonly string[] = []) {
  const load = vi.fn(async (model: LoadedModel['model']): Promise<LoadedModel> => {
    if (broken.includes(model.id)) throw new Error('another file')
    return { model, infer: () => Promise.reject(new Error('nobody asks')) }
  })
  return { load, shelf: new ModelShelf(rows.slice(0, 2), load) }
}
const ask = async (shelf: ModelShelf, options: Parameters<ModelShelf['find']>[0]) =>
  (await shelf.find(options))?.model.id ?? null

describe('a shelf of models', () => {
  it('gives the one that was chosen, and none in place of one that is not there', async () => {
    const { shelf } = createShelf()
    expect(await ask(shelf, { quality: 'auto', model: 'two-64' })).toBe('two-64')
    expect(await ask(shelf, { quality: 'auto', model: defaultMatteModel.id })).toBe(defaultMatteModel.id)
    expect(await ask(shelf, { quality: 'auto', model: 'three-64' })).toBeNull()
  })
  it('knows models without their size too, since MATTE_MODELS may name them so, here and at the gateway', async () => {
    const { shelf } = createShelf()
    expect(await ask(shelf, { quality: 'auto', model: 'two' })).toBe('two-64')
    expect(await ask(shelf, { quality: 'auto', model: 'edge' })).toBe(defaultMatteModel.id)
  })
  it('gives the fast one for fast, and the first of the others for anything else', async () => {
    const { shelf } = createShelf()
    expect(await ask(shelf, { quality: 'fast' })).toBe(defaultMatteModel.id)
    expect([await ask(shelf, { quality: 'best' }), await ask(shelf, { quality: 'auto' })]).toEqual(['one-64', 'one-64'])
  })
  it('loads each once, from the start', async () => {
    const { load, shelf } = createShelf()
    await shelf.ready()
    await ask(shelf, { quality: 'best' })
    expect(load).toHaveBeenCalledTimes(3)
    expect(shelf.loaded).toEqual([defaultMatteModel.id, 'one-64', 'two-64'])
  })
  it('has the fast one in place of the best that is refused, and nothing in place of one that was chosen', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { shelf } = createShelf(['one-64'])
    await shelf.ready()
    expect(await ask(shelf, { quality: 'best' })).toBe(defaultMatteModel.id)
    expect(await ask(shelf, { quality: 'auto', model: 'one-64' })).toBeNull()
    expect(String(logged.mock.calls[0])).toMatch(/model_refused.*one-64.*another file/)
    logged.mockRestore()
  })
  it('is of no use without the fast one', async () => {
    await expect(createShelf([defaultMatteModel.id]).shelf.ready()).rejects.toThrow('another file')
  })
})

describe('a picture for a model of choice', () => {
  const file = readOdd('base.png')
  it('is cut with it, and the facts say so', async () => {
    const asked: unknown[] = []
    const other = { ...discModel, id: 'two-64' }
    const findModel = async ({ model }: { readonly model?: string }) => {
      asked.push(model)
      return { model: other, infer: async () => ({ alpha: discAlpha, size: discModel.input.size }) }
    }
    const result = await cutByContainer(file, 'png', { model: 'two-64' }, createTools({ findModel }))
    expect(result).toMatchObject({ ok: true, facts: { model: 'two-64' } })
    expect(asked).toEqual(['two-64'])
  })
  it('that is not there fails, naming it, and holds nothing', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const kit = createTools({ findModel: async () => null })
    expect(await cutByContainer(file, 'png', { model: 'three-64' }, kit)).toMatchObject({
      ...{ ok: false, code: 'processing_failed', message: expect.stringContaining('"three-64"') },
    })
    expect([kit.left(), kit.tools.budget.state.used]).toEqual([[], 0])
    logged.mockRestore()
  })
})
