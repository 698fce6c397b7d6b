import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { IdempotencyKeyClient } from '../../../src/payments/idempotency-key.ts'
import { start } from './scripted-payment.ts'

const DAY_MS = 24 * 60 * 60 * 1000

let count = 0
function openKey() {
  count += 1
  const stub = (env as unknown as { IDEMPOTENCY_KEY: DurableObjectNamespace }).IDEMPOTENCY_KEY.getByName(`${count}`)
  return { stub, key: stub as unknown as IdempotencyKeyClient }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: start }))
afterEach(() => vi.useRealTimers())

describe('an Idempotency-Key', () => {
  it('stands for nothing until it is bound', async () => {
    const { key } = openKey()
    expect(await key.read()).toBeNull()
    expect(await key.bind('request', 'x402:1', null)).toMatchObject({ fingerprint: 'request', payment: 'x402:1' })
    expect(await key.read()).toMatchObject({ fingerprint: 'request', payment: 'x402:1' })
  })

  it('keeps its payment when another comes that has not seen it', async () => {
    const { key } = openKey()
    await key.bind('request', 'x402:1', null)
    expect(await key.bind('request', 'x402:2', null)).toMatchObject({ payment: 'x402:1' })
  })

  it('is taken over by whoever has seen what it stands for, once', async () => {
    const { key } = openKey()
    const { version } = await key.bind('request', 'x402:1', null)
    expect(await key.bind('request', 'x402:2', version)).toMatchObject({ payment: 'x402:2' })
    expect(await key.bind('request', 'x402:3', version)).toMatchObject({ payment: 'x402:2' })
  })

  it('lets only the payment that it stands for be sent', async () => {
    const { key } = openKey()
    await key.bind('request', 'x402:1', null)
    expect([await key.send('x402:2'), await key.send('x402:1')]).toEqual([false, true])
  })

  it('is not taken over by who saw it before its payment was sent', async () => {
    const { key } = openKey()
    const { version } = await key.bind('request', 'x402:1', null)
    await key.send('x402:1')
    expect(await key.bind('request', 'x402:2', version)).toMatchObject({ payment: 'x402:1' })
  })

  it('learns its request when the body has come, and no other afterwards', async () => {
    const { key } = openKey()
    await key.bind(null, 'x402:1', null)
    await key.send('x402:1')
    expect(await key.bind('request', 'x402:1', null)).toMatchObject({ fingerprint: 'request' })
    expect(await key.bind('another', 'x402:1', null)).toMatchObject({ fingerprint: 'request' })
  })

  it('does not live longer for being asked', async () => {
    const { key } = openKey()
    const { version } = await key.bind('request', 'x402:1', null)
    await key.send('x402:1')
    for (const hours of [6, 12, 18]) {
      vi.setSystemTime(start + hours * 60 * 60 * 1000)
      const seen = await key.read()
      await key.bind('request', 'x402:1', seen?.version ?? version)
    }
    vi.setSystemTime(start + DAY_MS)
    expect(await key.read()).toBeNull()
  })

  it('is forgotten later when its alarm comes early', async () => {
    const { stub, key } = openKey()
    await key.bind('request', 'x402:1', null)
    await runDurableObjectAlarm(stub)
    const alarm = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())
    expect([alarm, (await key.read())?.payment]).toEqual([start + DAY_MS, 'x402:1'])
  })

  it('is free again 24 hours after something was sent for it', async () => {
    const { stub, key } = openKey()
    await key.bind('request', 'x402:1', null)
    vi.setSystemTime(start + DAY_MS - 1)
    await key.send('x402:1')
    vi.setSystemTime(start + DAY_MS + 1)
    expect(await key.read()).not.toBeNull()
    vi.setSystemTime(start + 2 * DAY_MS - 1)
    expect(await key.read()).toBeNull()
    await runDurableObjectAlarm(stub)
    const kept = await runInDurableObject(stub, (_, { storage }) => [...storage.kv.list()])
    expect(kept).toEqual([])
  })
})
