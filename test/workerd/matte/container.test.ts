import { describe, expect, it } from 'vitest'
import { createContainerMatte } from '../../../src/matte/container.ts'
import { defaultMatteOptions } from '../../../src/matte/options.ts'

const facts = { width: 10, height: 20, bbox: [1, 2, 3, 4], coverage: 0.5, model: 'isnet-1024' }
const goodHeaders = { 'Content-Type': 'image/png', 'X-Cut-Out-Facts': JSON.stringify(facts) }
const streamOf = (text: string) => new Response(text).body!

/** Asks a Container that answers with `answer`. */
function ask(answer: Response, token: string | null = null) {
  const seen: Request[] = []
  const fetch = async (request: Request) => {
    seen.push(request)
    await request.text()
    return answer
  }
  const matte = createContainerMatte({ fetch, base: 'http://container', token })
  return { seen, cut: () => matte.cut(streamOf('image'), 5, 'jpeg', defaultMatteOptions), ping: () => matte.ping() }
}

describe('what the Container answers', () => {
  it('is the cut-out with its facts', async () => {
    const { seen, cut } = ask(new Response('cut-out', { headers: goodHeaders }), 't')
    expect(await cut()).toMatchObject({ ok: true, contentType: 'image/png', facts })
    const [request] = seen
    expect(request?.url).toMatch(/^http:\/\/container\/cut\?format=png&.*&quality=auto$/)
    expect(request?.headers.get('content-type')).toBe('image/jpeg')
    expect(request?.headers.get('authorization')).toBe('Bearer t')
  })

  it('is a failure with its reason', async () => {
    const failure = { ok: false, code: 'no_foreground' } as const
    expect(await ask(Response.json(failure, { status: 422 })).cut()).toEqual(failure)
  })

  it.each([
    ['a page', new Response('<html>', { headers: { 'Content-Type': 'text/html' } })],
    ['an error page', new Response('<html>bad gateway</html>', { status: 502 })],
    ['another format', new Response('x', { headers: { ...goodHeaders, 'Content-Type': 'image/webp' } })],
    ['no facts', new Response('x', { headers: { 'Content-Type': 'image/png' } })],
    ['facts that make no sense', new Response('x', { headers: { ...goodHeaders, 'X-Cut-Out-Facts': '{}' } })],
    ['a failure that is none of ours', Response.json({ code: 'payment_pending' }, { status: 503 })],
    ['a failure as a success', Response.json({ ok: false, code: 'no_foreground' })],
  ])('is never believed when it is %s', async (_, answer) => {
    await expect(ask(answer).cut()).rejects.toThrow(/neither a cut-out nor a reason/)
  })
})

describe('ping', () => {
  it('passes when the Container is well', () => ask(new Response('{}')).ping())
  it('fails when it is not', () => expect(ask(new Response('', { status: 500 })).ping()).rejects.toThrow(/500/))
})
