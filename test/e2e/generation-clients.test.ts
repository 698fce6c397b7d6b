import { describe, expect, it } from 'vitest'
import { balanceOf, createCaller, createPayer, measureIncome, stack } from './kit.ts'
import { createMppClient, createTempoPayer, measureTempoIncome } from './kit-mpp.ts'
import { stockClients } from './stock-clients.ts'

/** How a job has ended. */
async function finish(id: string): Promise<string> {
  for (;;) {
    const answer = await fetch(`${stack.gateway}/v1/generations/${id}?wait=20`)
    const { status } = (await answer.json()) as { status: string }
    if (status !== 'pending' && status !== 'processing') return status
  }
}

/** What every client buys: path, request and price. */
const purchases = [
  ['an image for $0.05', '/v1/images/generate', { model: 'nano-banana-2', prompt: 'two apples' }, 50_000n],
  [
    'a video for $0.25',
    '/v1/videos/generate',
    { model: 'veo-3.1-fast', prompt: 'waves', mode: 't2v', duration: 4 },
    250_000n,
  ],
] as const

describe.each(Object.entries(stockClients))('%s', (_, client) => {
  it.each(purchases)(
    'has generated %s',
    async (_, path, request, price) => {
      const headers = { 'Content-Type': 'application/json', ...createCaller() }
      const account = await createPayer(price)
      const body = Buffer.from(JSON.stringify(request))
      const [income, answer] = await measureIncome(() => client(account, stack.gateway + path, body, headers))
      expect([answer.status, income, await balanceOf(account.address)]).toEqual([202, price, 0n])
      expect(await finish(JSON.parse(answer.body.toString()).id)).toBe('completed')
    },
    120_000,
  )
})

describe('mppx', () => {
  it.each(purchases)(
    'has generated %s',
    async (_, path, request, price) => {
      const client = createMppClient(await createTempoPayer())
      const headers = { 'Content-Type': 'application/json', ...createCaller() }
      const init = { method: 'POST', body: JSON.stringify(request), headers }
      const [income, answer] = await measureTempoIncome(() => client.fetch(stack.gateway + path, init))
      expect([answer.status, income]).toEqual([202, price])
      const { id } = (await answer.json()) as { id: string }
      expect(await finish(id)).toBe('completed')
    },
    120_000,
  )
})
