import { wrapAxiosWithPaymentFromConfig } from '@x402/axios'
import { ExactEvmScheme } from '@x402/evm'
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch'
import axios from 'axios'
import type { PrivateKeyAccount } from 'viem'
import { withPaymentInterceptor } from 'x402-axios'
import { wrapFetchWithPayment } from 'x402-fetch'
import { createWallet } from './kit.ts'

/** An answer, whichever client gave it. */
export interface Answer {
  readonly status: number
  readonly header: (name: string) => string | null
  readonly body: Buffer
}
/** A client that pays by itself. */
export type Client = (
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
/** `@x402/fetch` with a wallet. */
export const createFetch = (account: PrivateKeyAccount) => wrapFetchWithPaymentFromConfig(fetch, schemes(account))

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

/** x402-fetch pays $0.10 at most unless it is told otherwise, as the README says. */
const MOST = 300_000n

/** The stock clients, unmodified. */
export const stockClients: Readonly<Record<string, Client>> = {
  '@x402/fetch': async (account, url, body, headers) =>
    fromFetch(await createFetch(account)(url, { method: 'POST', body, headers })),
  '@x402/axios': async (account, url, body, headers) =>
    fromAxios(await wrapAxiosWithPaymentFromConfig(createAxios(), schemes(account)).post(url, body, { headers })),
  'x402-fetch with an account': async (account, url, body, headers) =>
    fromFetch(await wrapFetchWithPayment(fetch, account as never, MOST)(url, { method: 'POST', body, headers })),
  'x402-fetch with a wallet client': async (account, url, body, headers) =>
    fromFetch(
      await wrapFetchWithPayment(fetch, createWallet(account) as never, MOST)(url, { method: 'POST', body, headers }),
    ),
  'x402-axios': async (account, url, body, headers) =>
    fromAxios(await withPaymentInterceptor(createAxios(), account as never).post(url, body, { headers })),
}
