import dns from 'node:dns'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { installLocalhostLookup, isLocalhost, lookupLocalhost } from '../../workers/local/localhost.ts'
import { serveLocally } from '../../workers/local/loopback.ts'

const original = dns.lookup
afterAll(() => {
  dns.lookup = original
})

it.each(['localhost', 'x402.localhost', 'a.b.localhost', 'X402.LocalHost', 'mpp.localhost.'])(
  '%s is this machine',
  (name) => expect(isLocalhost(name)).toBe(true),
)

it.each(['localhost.example.com', 'notlocalhost', 'example.com', ''])('"%s" is not', (name) => {
  expect(isLocalhost(name)).toBe(false)
})

describe('lookupLocalhost', () => {
  const look = (name: string, all: boolean) =>
    new Promise((resolve) => {
      lookupLocalhost(name, { all }, (error, address, family) => resolve(error ?? { address, family }))
    })

  it('answers one address, or the list that fetch asks for', async () => {
    expect(await look('x402.localhost', false)).toEqual({ address: '127.0.0.1', family: 4 })
    expect(await look('x402.localhost', true)).toMatchObject({ address: [{ address: '127.0.0.1', family: 4 }] })
  })

  it('leaves every other name to the system', async () => {
    expect(await look('127.0.0.2', false)).toEqual({ address: '127.0.0.2', family: 4 })
  })
})

describe('once installed', () => {
  it('fetch reaches *.localhost, with its Host', async () => {
    installLocalhostLookup()
    installLocalhostLookup()
    const server = await serveLocally((request) => new Response(new URL(request.url).host), { port: 0 })
    const host = `x402.localhost:${new URL(server.url).port}`
    expect(await (await fetch(`http://${host}/`)).text()).toBe(host)
    await server.stop()
  })

  it('the other ways to call dns.lookup work as before', async () => {
    expect(await promisify(dns.lookup)('mpp.localhost')).toEqual({ address: '127.0.0.1', family: 4 })
    expect(await promisify(dns.lookup)('127.0.0.2')).toEqual({ address: '127.0.0.2', family: 4 })
    const legacy = await new Promise((resolve) => {
      dns.lookup('a.localhost', 4, (_error, address) => resolve(address))
    })
    expect(legacy).toBe('127.0.0.1')
  })
})
