import { ExactEvmScheme } from '@x402/evm'
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch'
import { Mppx, tempo } from 'mppx/client'
import { type Address, createClient, createPublicClient, type Hex, http, parseEventLogs } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { tempoModerato } from 'viem/tempo/chains'
import type { Host } from './hosts.ts'
import type { Stack } from './stack-file.ts'
import { PATH_USD } from './tempo/tokens.ts'
import { tokenAbi } from './token.ts'

/** Makes a call; on a 402 it pays what is asked and calls again. */
export type PayingFetch = (url: string, init: RequestInit) => Promise<Response>

/** How the demo pays by one protocol: with its stock client, and a wallet that `npm run dev` fills. */
export interface DemoClient {
  /** The host that offers this protocol alone; the demo calls it unless told otherwise. */
  readonly host: Host
  /** What it pays in. */
  readonly currency: string
  readonly payer: Address
  readonly payTo: Address
  /** Wraps `fetch`, which makes the calls. */
  createPayingFetch(fetch: typeof globalThis.fetch): PayingFetch
  /** The transaction that a paid answer names. */
  readTransaction(response: Response): Hex | undefined
  /** Units that the payer has. */
  readBalance(): Promise<bigint>
  /** Units that went to the receiver in a transaction. */
  readPaid(transaction: Hex): Promise<bigint>
}

function createReader(rpc: string, token: Address, payer: Address, payTo: Address) {
  const chain = createPublicClient({ transport: http(rpc) })
  return {
    readBalance: () => chain.readContract({ address: token, abi: tokenAbi, functionName: 'balanceOf', args: [payer] }),
    async readPaid(transaction: Hex) {
      const { logs } = await chain.getTransactionReceipt({ hash: transaction })
      return parseEventLogs({ abi: tokenAbi, eventName: 'Transfer', logs })
        .filter(({ args }) => args.to === payTo)
        .reduce((sum, { args }) => sum + args.value, 0n)
    },
  }
}

function createX402Client({ demo, rpc, chainId, usdc, payTo }: Stack): DemoClient {
  const account = privateKeyToAccount(demo.evmKey)
  return {
    host: 'apex',
    currency: 'USDC',
    payer: account.address,
    payTo,
    createPayingFetch: (fetch) =>
      wrapFetchWithPaymentFromConfig(fetch, {
        schemes: [{ network: `eip155:${chainId}`, client: new ExactEvmScheme(account) }],
      }),
    readTransaction(response) {
      const header = response.headers.get('PAYMENT-RESPONSE')
      return header ? (decodePaymentResponseHeader(header).transaction as Hex) : undefined
    },
    ...createReader(rpc, usdc, account.address, payTo),
  }
}

function createMppClient({ demo, tempoRpc, tempoPayTo }: Stack): DemoClient {
  const account = privateKeyToAccount(demo.tempoKey)
  const chain = createClient({ chain: tempoModerato, transport: http(tempoRpc) })
  return {
    host: 'mpp',
    currency: 'pathUSD',
    payer: account.address,
    payTo: tempoPayTo,
    createPayingFetch(fetch) {
      const methods = [tempo.charge({ account, getClient: () => chain })]
      // Its default would answer each further 402 with a payment of its own.
      return Mppx.create({ polyfill: false, maxPaymentRetries: 1, methods, fetch }).fetch
    },
    readTransaction(response) {
      const header = response.headers.get('Payment-Receipt')
      return header ? JSON.parse(Buffer.from(header, 'base64url').toString()).reference : undefined
    },
    ...createReader(tempoRpc, PATH_USD, account.address, tempoPayTo),
  }
}

/** The protocols that the demo pays by. */
export const demoClients = { x402: createX402Client, mpp: createMppClient }

export type DemoProtocol = keyof typeof demoClients

const PAYMENT_HEADERS = ['PAYMENT-SIGNATURE', 'X-PAYMENT', 'Authorization']

/** A `fetch` that sends payments where they are meant to go, and every call without one to `challenger` instead. */
export const createRedirectedFetch =
  (challenger: string): typeof globalThis.fetch =>
  async (input, init) => {
    const request = new Request(input, init)
    if (PAYMENT_HEADERS.some((name) => request.headers.has(name))) return fetch(request)
    const { status, headers, body } = await fetch(new Request(challenger, request))
    // Clients look at the URL of an answer, and pay there.
    return new Response(body, { status, headers })
  }
