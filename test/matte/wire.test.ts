import { describe, expect, it } from 'vitest'
import { defaultMatteOptions } from '../../src/matte/options.ts'
import { readFacts, readFailure, readFormat, readOptions, writeFailure, writeOptions } from '../../src/matte/wire.ts'

const parse = (query: string) => readOptions(new URLSearchParams(query))

describe('options over HTTP', () => {
  it.each([
    defaultMatteOptions,
    {
      ...({ format: 'webp', output: 'cutout', bg: '00ff7f', crop: 'true', margin: '12.5%' } as const),
      ...({ refine: 'none', quality: 'best' } as const),
    },
    { ...defaultMatteOptions, model: 'isnet-1024' },
  ])('come back as they were: %j', (options) => expect(parse(writeOptions(options))).toEqual(options))

  const sound = writeOptions(defaultMatteOptions)
  it('say nothing of a model that nobody chose: another version may not know that option', () => {
    expect(sound).not.toMatch(/model/)
  })
  it.each([
    ['format', sound.replace('format=png', 'format=gif')],
    ['margin', sound.replace('margin=0px', 'margin=much')],
    ['bg', sound.replace('bg=', 'bg=red')],
    ['quality', sound.replace('&quality=auto', '')],
    ['size', `${sound}&size=5`],
    ['model', `${sound}&model=`],
    ['model', `${sound}&model=../isnet`],
  ])('are refused, naming which is wrong: %s', (wrong, query) => expect(parse(query)).toEqual({ wrong }))
})

describe('a Content-Type', () => {
  it.each([
    ['image/png', 'png'],
    ['image/jpeg', 'jpeg'],
    ['image/webp', 'webp'],
    ['image/gif', null],
    ['text/html', null],
    [null, null],
  ])('%s is %s', (type, format) => expect(readFormat(type)).toBe(format))
})

describe('facts', () => {
  const facts = { width: 10, height: 20, bbox: [1, 2, 3, 4], coverage: 0.5, model: 'isnet-1024' }
  it('come back as they were', () => expect(readFacts(JSON.stringify(facts))).toEqual(facts))
  it.each([
    null,
    '',
    '<html>',
    'null',
    '[]',
    ...[{ width: -1 }, { height: '20' }, { bbox: [1, 2, 3] }, { coverage: 2 }, { model: 7 }].map((change) =>
      JSON.stringify({ ...facts, ...change }),
    ),
  ])('that make no sense are none: %s', (text) => expect(readFacts(text)).toBeNull())
})

describe('a failure', () => {
  it('comes back as it was, under its own status', async () => {
    const failure = { ok: false, code: 'processor_unavailable', retryAfter: 10, message: 'Later.' } as const
    const answer = writeFailure(failure)
    expect(answer.status).toBe(503)
    expect(readFailure(await answer.text())).toEqual(failure)
  })
  it.each(['', 'null', '{}', '{"code":"payment_pending"}', '<html>502</html>'])('that is none: %s', (text) =>
    expect(readFailure(text)).toBeNull(),
  )
})
