import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Context, Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { removeBackground } from '../../src/endpoints/remove-background.ts'
import type { AppEnv, Services } from '../../src/env.ts'
import { ApiError } from '../../src/errors.ts'
import { MatteHosts } from '../../src/matte/hosts.ts'
import type { MatteService } from '../../src/matte/matte.ts'
import { openRequestBody } from '../../src/request-body.ts'

const photo = readFileSync(join(import.meta.dirname, '../fixtures/photos/flower.jpg'))
const service: MatteService = { cut: () => Promise.reject(new Error('nobody has paid')), ping: async () => {} }
const both = new MatteHosts({ edge: service, container: service }, ['isnet-1024', 'u2net-320'])
const edgeAlone = new MatteHosts({ edge: service }, ['isnet-1024'])

/** What is known of a request before anybody pays: the options that it is the same request by, or why it is refused. */
async function prepare(query: string, matte = both): Promise<object> {
  const app = new Hono<AppEnv>()
  app.post('/', async (c) => {
    c.set('body', openRequestBody(c.req.raw))
    c.set('services', { matte, till: {}, files: {} } as unknown as Services)
    try {
      const { options } = await removeBackground.sale!.prepare(c as unknown as Context<AppEnv>)
      return c.json(options)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return c.json({ code: error.code, message: error.message })
    }
  })
  const init = { method: 'POST', headers: { 'Content-Type': 'image/jpeg' }, body: photo }
  return (await app.request(`/?${query}`, init)).json()
}

describe('a model that is chosen', () => {
  it('makes another request, as a quality does; none that is named is none', async () => {
    expect(await prepare('model=u2net-320')).toMatchObject({ model: 'u2net-320', quality: 'auto' })
    expect(await prepare('quality=best')).toMatchObject({ quality: 'best' })
    expect(await prepare('model=')).toEqual(await prepare(''))
    expect(await prepare('')).not.toHaveProperty('model')
  })

  it.each(['other', 'ISNET-1024', 'isnet', '../x', 'isnet-1024%00', 'a'.repeat(61)])(
    'and is none of those that may be, "%s": the answer names those',
    async (model) => {
      const message = 'The option "model" may be isnet-1024 or u2net-320.'
      expect(await prepare(`model=${model}`)).toEqual({ code: 'invalid_request', message })
    },
  )

  it('where there is no Container: the answer says to leave it out', async () => {
    const message = expect.stringMatching(/leave out the option "model"/)
    for (const model of ['isnet-1024', 'Isnet']) {
      expect(await prepare(`model=${model}`, edgeAlone)).toEqual({ code: 'invalid_request', message })
    }
  })

  it.each([
    ['quality=fast', /leave out quality/],
    ['quality=best', /leave out quality/],
    ['model=isnet-1024', /2 times/],
  ])('and %s are refused', async (more, message) => {
    const refused = { code: 'invalid_request', message: expect.stringMatching(message) }
    expect(await prepare(`model=isnet-1024&${more}`)).toEqual(refused)
  })
})
