import { wrapAxiosWithPaymentFromConfig } from '@x402/axios'
import { ExactEvmScheme } from '@x402/evm'
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch'
import axios from 'axios'
import type { PrivateKeyAccount } from 'viem'
import { describe, expect, it } from 'vitest'
import { withPaymentInterceptor } from 'x402-axios'
import { wrapFetchWithPayment } from 'x402-fetch'
import {
  balanceOf,
  createCaller,
  createPayer,
  createWallet,
  decode,
  measureIncome,
  photo,
  ROUTE,
  stack,
  watchFacilitator,
} from './kit.ts'

interface Answer {
  readonly status: number
  readonly header: (name: string) => string | null
  readonly body: Buffer
}
type Client = (
  account: PrivateKeyAccount,
  url: string,
  body: Buffer,
  headers: Record<string, string>,
) => Promise<Answer>

const fromFetch = async (response: Response): Promise<Answer> => ({
  status: response.status,
  header: (name) => response.headers.get(name),
  body: Buffer.from(await response.arrayBuffer()),
})
const schemes = (account: PrivateKeyAccount) => ({
  schemes: [{ network: 'eip155:*' as const, client: new ExactEvmScheme(account) }],
})
/** x402-axios reads `accepts` of a parsed 402, so whoever wants bytes has only the 402 parsed. */
const createAxios = () =>
  axios.create({
    responseType: 'arraybuffer',
    validateStatus: (status) => status !== 402,
    transformResponse: [
      (data: Buffer, _headers, status) => (status === 402 ? JSON.parse(Buffer.from(data).toString()) : data),
    ],
  })
const fromAxios = ({ status, headers, data }: { status: number; headers: object; data: ArrayBuffer }): Answer => ({
  status,
  header: (name) => new Map(Object.entries(headers)).get(name) ?? null,
  body: Buffer.from(data),
})

/** The stock clients, unmodified. */
const clients: Readonly<Record<string, Client>> = {
  '@x402/fetch': async (account, url, body, headers) =>
    fromFetch(await wrapFetchWithPaymentFromConfig(fetch, schemes(account))(url, { method: 'POST', body, headers })),
  '@x402/axios': async (account, url, body, headers) =>
    fromAxios(await wrapAxiosWithPaymentFromConfig(createAxios(), schemes(account)).post(url, body, { headers })),
  'x402-fetch with an account': async (account, url, body, headers) =>
    fromFetch(await wrapFetchWithPayment(fetch, account as never)(url, { method: 'POST', body, headers })),
  'x402-fetch with a wallet client': async (account, url, body, headers) =>
    fromFetch(
      await wrapFetchWithPayment(fetch, createWallet(account) as never)(url, { method: 'POST', body, headers }),
    ),
  'x402-axios': async (account, url, body, headers) =>
    fromAxios(await withPaymentInterceptor(createAxios(), account as never).post(url, body, { headers })),
}

describe.each(Object.entries(clients))('%s', (_, pay) => {
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
