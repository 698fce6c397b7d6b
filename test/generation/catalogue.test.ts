import { describe, expect, it } from 'vitest'
import { basicPrice, findLosses, listModels, priceOf } from '../../src/generation/catalogue.ts'
import { readGeneration } from '../../src/generation/configuration.ts'
import { type GenerationModel, generationModels } from '../../src/generation/models.ts'

const find = (name: string) => generationModels.find((model) => model.name === name)!
const list = (more: {
  configured?: string[]
  allowPreview?: boolean
  today?: string
  models?: readonly GenerationModel[]
}) =>
  listModels({
    models: more.models ?? generationModels,
    isConfigured: (name) => [...(more.configured ?? []), 'local-preview'].includes(name),
    allowPreview: more.allowPreview ?? false,
    today: more.today ?? '2026-11-27',
  })
const serverOf = (rows: ReturnType<typeof list>, name: string) => rows.find(({ model }) => model.name === name)!.server

describe('who serves a model', () => {
  it('is its own upstream where that is configured', () => {
    expect(serverOf(list({ configured: ['gemini'] }), 'nano-banana-2')).toMatchObject({
      provider: 'gemini',
      servedBy: null,
    })
  })

  it('is nobody without it, or the preview where that is allowed', () => {
    expect(serverOf(list({}), 'nano-banana-2')).toBeNull()
    expect(serverOf(list({ allowPreview: true }), 'nano-banana-2')).toMatchObject({ servedBy: 'local-preview' })
  })

  it('is its fallback from the day on which its upstream is gone', () => {
    const models = generationModels.map((model) =>
      model.name === 'seedream-4.0' ? { ...model, sunset: '2026-12-01', fallback: 'nano-banana-2' } : model,
    )
    const on = (today: string) => serverOf(list({ models, today, configured: ['gemini', 'seedream'] }), 'seedream-4.0')
    expect(on('2026-11-30')).toMatchObject({ provider: 'seedream', servedBy: null })
    expect(on('2026-12-01')).toMatchObject({ provider: 'gemini', servedBy: 'nano-banana-2' })
  })

  it('decides what it takes: nothing is sold that nobody can make', () => {
    const veo = list({ allowPreview: true }).find(({ model }) => model.name === 'veo-3.1-fast')!
    expect(veo.model.resolutions).toEqual(['720p'])
  })
})

describe('prices', () => {
  it('are the contract’s for whoever asks for nothing in particular', () => {
    expect([basicPrice('image', list({})), basicPrice('video', list({}))]).toEqual(['0.05', '0.25'])
  })

  it('go by resolution, and by the second where a row says so', () => {
    expect(priceOf(find('nano-banana-2'), '4k', null)).toBe('0.12')
    const perSecond = {
      ...find('veo-3.1-fast'),
      price: { base: '0.1', byResolution: { '4k': '0.3' }, perSecond: true },
    } as const
    expect([priceOf(perSecond, '720p', 6), priceOf(perSecond, '4k', 8)]).toEqual(['0.6', '2.4'])
  })

  it('below cost are told to the operator', () => {
    expect(findLosses([find('seedream-4.0')])).toEqual([])
    expect(findLosses([find('veo-3.1-fast')])[0]).toMatch(/veo-3\.1-fast sells below its cost at 720p 4 s/)
  })
})

describe('the configuration of generation', () => {
  const read = (values: Readonly<Record<string, string>>) => {
    const problems: string[] = []
    return { config: readGeneration(new Map(Object.entries(values)), problems), problems }
  }

  it('changes any field of any model', () => {
    const { config, problems } = read({
      GENERATION_MODELS: '{"seedream-4.6":{"upstreamId":"seedream-9","price":{"base":"0.5"}}}',
    })
    expect(problems).toEqual([])
    const changed = config.models.find(({ name }) => name === 'seedream-4.6')
    expect(changed).toEqual({ ...find('seedream-4.6'), upstreamId: 'seedream-9', price: { base: '0.5' } })
    expect(config.models.filter(({ name }) => name !== 'seedream-4.6')).toEqual(
      generationModels.filter(({ name }) => name !== 'seedream-4.6'),
    )
  })

  it.each([
    ['no JSON', '{'],
    ['no object', '5'],
    ['an unknown model', '{"dall-e":{}}'],
    ['an unknown field', '{"seedream-4.0":{"colour":"red"}}'],
    ['a price of nothing', '{"seedream-4.0":{"price":{"base":"0"}}}'],
    ['a resolution that nobody can ask for', '{"seedream-4.0":{"price":{"base":"1","byResolution":{"4K":"2"}}}}'],
    ['an unknown provider', '{"seedream-4.0":{"provider":"x"}}'],
    ['a provider of videos for images', '{"seedream-4.0":{"provider":"veo"}}'],
    ['a fallback that is nobody', '{"seedream-4.0":{"fallback":"x"}}'],
    ['a fallback to itself', '{"seedream-4.0":{"fallback":"seedream-4.0"}}'],
    ['a fallback of another kind', '{"seedream-4.0":{"fallback":"veo-3.1-lite"}}'],
    ['a settlement that nobody knows', '{"seedream-4.0":{"settlement":"never"}}'],
    ['on_success with a deadline that payments do not live', '{"veo-3.1-fast":{"settlement":"on_success"}}'],
  ])('names what is wrong: %s', (_, text) => {
    expect(read({ GENERATION_MODELS: text }).problems).toEqual([expect.stringMatching(/^GENERATION_MODELS is not /)])
  })

  it('takes on_success where payments live as long', () => {
    const row = { settlement: 'on_success', deadlineSeconds: 600 }
    const { config, problems } = read({ GENERATION_MODELS: JSON.stringify({ 'veo-3.1-fast': row }) })
    expect([problems, config.models.find(({ name }) => name === 'veo-3.1-fast')]).toEqual([
      [],
      { ...find('veo-3.1-fast'), ...row },
    ])
  })

  it('warns of what a fallback costs more than its model sells for', () => {
    const changes = { 'seedream-4.6': { fallback: 'nano-banana-pro' } }
    const { config } = read({ GEMINI_API_KEY: 'key-0123456789', GENERATION_MODELS: JSON.stringify(changes) })
    expect(config.warnings.join()).toContain('seedream-4.6 sells below its cost')
  })

  it.each(['TRUE', 'yes', '1'])('names a switch that is neither on nor off: %s', (text) => {
    expect(read({ ALLOW_LOCAL_PREVIEW: text }).problems).toEqual(['ALLOW_LOCAL_PREVIEW must be "true" or "false"'])
  })

  it('takes a provider whole, and never shows a key', () => {
    expect(read({ ARK_API_KEY: 'ark-0123456789' }).config.providers.seedream).toMatchObject({
      ARK_API_KEY: 'ark-0123456789',
    })
    const { problems, config } = read({ OPENAI_IMAGES_API_KEY: 'sk-0123456789' })
    expect([problems.length, config.providers['openai-images']]).toEqual([1, undefined])
    expect(problems.join()).not.toContain('sk-0123456789')
  })
})
