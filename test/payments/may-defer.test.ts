import { describe, expect, it } from 'vitest'
import { judgeDeferral } from '../../src/payments/may-defer.ts'
import type { Credential, PaymentProtocol } from '../../src/payments/protocol.ts'
import type { StandingClient } from '../../src/payments/standing.ts'

const seconds = 300
const now = () => Math.floor(Date.now() / 1000)

/** What is decided for a payment of $0.05, and what was asked of the payer's record. */
async function judge(says: { left?: number; balance?: bigint | Error | null; held?: number }) {
  const { left = 900, balance = 5_000_000n, held = 0 } = says
  const asked: string[][] = []
  const protocol = {
    needsSeconds: (work: number) => work + 20,
    ...(balance !== null && {
      readBalance: async () => {
        if (balance instanceof Error) throw balance
        return balance
      },
    }),
  } as unknown as PaymentProtocol
  const openStanding = (name: string) =>
    ({
      async hold(id: string, amount: string, most: string) {
        asked.push([name, id, amount, most])
        return { isHeld: held + Number(amount) <= Number(most), held: String(held) }
      },
    }) as unknown as StandingClient
  const credential = { validBefore: now() + left } as Credential
  const due = { payer: '0xA', amount: '50000' }
  const verdict = await judgeDeferral({ protocol, credential, due, seconds, result: 'results/1' }, openStanding)
  return { verdict, asked }
}

describe('a payment whose work goes on after its answer', () => {
  it('waits for it, held against the payer’s balance and two dollars', async () => {
    expect(await judge({})).toEqual({ verdict: 'deferred', asked: [['payer 0xa', 'results/1', '50000', '2000000']] })
    expect((await judge({ balance: 70_000n })).asked[0]![3]).toBe('70000')
  })

  it('is collected now when it would not outlive the work', async () => {
    expect((await judge({ left: 321 })).verdict).toBe('deferred')
    expect(await judge({ left: 315 })).toEqual({ verdict: 'now', asked: [] })
  })

  it('is collected now where its protocol cannot wait', async () => {
    expect(await judge({ balance: null })).toEqual({ verdict: 'now', asked: [] })
  })

  it('is collected now when two dollars wait already', async () => {
    expect((await judge({ held: 1_950_000 })).verdict).toBe('deferred')
    expect((await judge({ held: 1_950_001 })).verdict).toBe('now')
  })

  it('is refused when what the payer has is spoken for', async () => {
    expect((await judge({ balance: 90_000n, held: 50_000 })).verdict).toBe('short')
    expect((await judge({ balance: 100_000n, held: 50_000 })).verdict).toBe('deferred')
  })

  it('is collected now when the chain cannot be asked', async () => {
    expect(await judge({ balance: new Error('no node') })).toEqual({ verdict: 'now', asked: [] })
  })
})
