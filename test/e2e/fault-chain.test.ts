import { beforeAll, describe, expect, it, vi } from 'vitest'
import {
  balanceOf,
  cancel,
  chain,
  createPayer,
  decode,
  measureIncome,
  PRICE,
  photo,
  post,
  readReceipt,
  sign,
  stack,
  v2,
  withFaults,
} from './kit.ts'
import { hasWorked, mineBlocks, readChainTime, withoutMining, withRpcFaults } from './kit-chain.ts'
import { shrink } from './pictures.ts'

let flower: Buffer
beforeAll(async () => {
  flower = await shrink(photo('flower.jpg'))
})

const errorOf = async (response: Response) => (await response.json()) as Record<string, unknown>
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())
/** What one look asks the node for. */
const LOOK = ['eth_getBlockByNumber', 'eth_getLogs', 'eth_call']
const noFunds = {
  success: false,
  errorReason: 'invalid_exact_evm_insufficient_balance',
  transaction: '',
  network: 'eip155:84532',
}

/** A payment that echoes a fresh challenge, so that it is proven from anywhere and at any time. */
async function payWithToken(terms: Parameters<typeof sign>[1] = {}) {
  const required = decode<{ accepts: { extra: object }[] }>((await post(null)).headers.get('payment-required'))
  const account = await createPayer()
  return { account, headers: v2(await sign(account, terms), { extra: required.accepts[0]!.extra }) }
}

/** The money moves, the answer is lost, and the node has not heard of the block: 503. */
async function loseAnswer(headers: Record<string, string>): Promise<Response> {
  // One block more, so that what came before is known to a node that is one behind.
  await mineBlocks(1)
  const lost = [{ op: 'settle', mode: '500', when: 'after', count: 1 }]
  const behind = LOOK.map((method) => ({ method, mode: 'stale' }))
  return withFaults(lost, () => withRpcFaults(behind, () => post(flower, headers)))
}

describe('a settlement that was mined, with its answer lost', () => {
  it('row 3: is found although the next one says "no funds": 503, then 200, charged once', async () => {
    const { headers } = await payWithToken()
    const [income, [first, second]] = await measureIncome(async () => [
      await loseAnswer(headers),
      // The node lags behind at the first look, so it is sent again; at the second look it has caught up.
      await withFaults([{ op: 'settle', mode: 'json', body: noFunds, count: 1 }], () =>
        withRpcFaults(
          LOOK.map((method) => ({ method, mode: 'stale', count: 1 })),
          () => post(flower, headers),
        ),
      ),
    ])
    expect(await errorOf(first!)).toMatchObject({ error: 'payment_pending', retryable: true })
    expect(first!.headers.get('retry-after')).toMatch(/^\d+$/)
    expect([first!.status, second!.status]).toEqual([503, 200])
    expect(income).toBe(PRICE)
  })

  it('row 4: is found 700 blocks later, and replayed with the same bytes', async () => {
    const { headers } = await payWithToken()
    const [income, [first, second, third]] = await measureIncome(async () => {
      const lost = await loseAnswer(headers)
      await mineBlocks(700)
      return [lost, await post(flower, headers), await post(flower, headers)]
    })
    expect([first!.status, second!.status, third!.status]).toEqual([503, 200, 200])
    expect(third!.headers.get('idempotent-replayed')).toBe('true')
    expect((await bytesOf(third!)).equals(await bytesOf(second!))).toBe(true)
    expect(income).toBe(PRICE)
  })

  it('row 9: whose events are hidden is 503 as long as they are, listed for the operator, and nothing is given', async () => {
    const { headers, account } = await payWithToken()
    const hidden = [{ method: 'eth_getLogs', mode: 'json', body: { jsonrpc: '2.0', id: 1, result: [] } }]
    const readOpen = async () => {
      const Authorization = `Bearer ${stack.adminToken}`
      const answer = await fetch(`${stack.gateway}/admin/payments`, { headers: { Authorization } })
      const { payments } = (await answer.json()) as { payments: { payer: string; state: string }[] }
      return payments.filter(({ payer }) => payer === account.address)
    }
    await withRpcFaults(hidden, async () => {
      const lost = [{ op: 'settle', mode: '500', when: 'after', count: 1 }]
      const first = await withFaults(lost, () => post(flower, headers))
      const second = await post(flower, headers)
      expect([first.status, second.status]).toEqual([503, 503])
      expect(second.headers.get('content-type')).toContain('json')
    })
    await expect.poll(readOpen).toMatchObject([{ state: 'unknown' }])
    expect((await post(flower, headers)).status).toBe(200)
    await expect.poll(readOpen).toEqual([])
  })
})

describe('a chain that makes no blocks', () => {
  it('row 5: at settlement, and then a node that is down: 503, 503, 200, charged once', async () => {
    const { headers, account } = await payWithToken()
    const [first, second] = await withoutMining(async () => [
      await post(flower, headers),
      await withRpcFaults([{ method: '*', mode: '500' }], () => post(flower, headers)),
    ])
    const third = await post(flower, headers)
    expect([first!.status, second!.status, third.status]).toEqual([503, 503, 200])
    expect(await errorOf(second!)).toMatchObject({ error: 'payment_pending' })
    expect(await balanceOf(account.address)).toBe(400_000n - PRICE)
  })

  it('row 10: until the payment is over by the clock, and then mines it into an older one: 503, then 200', async () => {
    const { headers, account } = await payWithToken({ validBefore: 12 })
    const validBefore = Math.floor(Date.now() / 1000) + 12
    try {
      await chain.setAutomine(false)
      expect((await post(flower, headers)).status).toBe(503)
      let last: Response | undefined
      await vi.waitUntil(
        async () => {
          last = await post(flower, headers)
          return Date.now() / 1000 > validBefore + 1
        },
        { timeout: 20_000, interval: 1_000 },
      )
      expect(last!.status).toBe(503)
      await chain.setNextBlockTimestamp({ timestamp: BigInt(validBefore - 2) })
      await chain.mine({ blocks: 1 })
    } finally {
      await chain.setAutomine(true)
    }
    expect(await readChainTime()).toBeLessThan(validBefore + 60)
    const found = await post(flower, headers)
    expect(found.status).toBe(200)
    expect(readReceipt(found).success).toBe(true)
    expect(await balanceOf(account.address)).toBe(400_000n - PRICE)
    await chain.setNextBlockTimestamp({ timestamp: BigInt(Math.floor(Date.now() / 1000)) })
    await chain.mine({ blocks: 1 })
  }, 60_000)
})

describe('row 7: a payment that is cancelled on chain after it was verified', () => {
  it('is 402 with the reason: nothing moves, and nothing is given', async () => {
    const account = await createPayer()
    const payment = await sign(account)
    const [income, [first, second]] = await measureIncome(async () => {
      const held = await withFaults([{ op: 'settle', mode: '500', count: 1 }], () => post(flower, v2(payment)))
      await cancel(account, payment.authorization.nonce)
      return [held, await post(flower, v2(payment))]
    })
    expect([first!.status, second!.status]).toEqual([503, 402])
    expect(await errorOf(second!)).toMatchObject({ error: 'authorization_cancelled' })
    expect(income).toBe(0n)
    expect(await hasWorked(first!)).toBe(true)
  })
})
