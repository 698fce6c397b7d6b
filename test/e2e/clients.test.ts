import { describe, expect, it } from 'vitest'
import {
  balanceOf,
  createCaller,
  createPayer,
  decode,
  measureIncome,
  photo,
  ROUTE,
  stack,
  watchFacilitator,
} from './kit.ts'
import { stockClients } from './stock-clients.ts'

describe.each(Object.entries(stockClients))('%s', (_, pay) => {
  it('pays $0.05 once and gets the cut-out and a receipt', async () => {
    const account = await createPayer(400_000n)
    const headers = { 'Content-Type': 'image/jpeg', ...createCaller() }
    const [calls, [income, answer]] = await watchFacilitator(() =>
      measureIncome(() => pay(account, stack.gateway + ROUTE, photo('flower.jpg'), headers)),
    )
    expect(answer.status).toBe(200)
    expect(answer.header('content-type')).toBe('image/png')
    expect(answer.body.subarray(1, 4).toString()).toBe('PNG')
    expect(income).toBe(50_000n)
    expect(await balanceOf(account.address)).toBe(350_000n)
    expect(calls).toEqual(['settle', 'verify'])
    const header = answer.header('payment-response') ?? answer.header('x-payment-response')
    const receipt = decode<{ success: boolean; transaction: string; payer: string }>(header)
    expect(receipt).toMatchObject({ success: true, transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
    expect(receipt.payer.toLowerCase()).toBe(account.address.toLowerCase())
    expect(answer.header('cache-control')).toBe('private, no-store')
  })
})
