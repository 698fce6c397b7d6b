import type { Hex } from 'viem'

/** A JSON-RPC answer of the Tempo dev chain. */
export interface Answer {
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Hex }
}

/** Calls one method. */
export async function callAt(rpc: string, method: string, params: unknown[] = []): Promise<Answer> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return (await fetch(rpc, { method: 'POST', body })).json() as Promise<Answer>
}
