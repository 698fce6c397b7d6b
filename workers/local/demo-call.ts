/** What every call of the demo does: where it goes, what it costs, what it says when it fails. */
import { formatUnits } from 'viem'
import { createRedirectedFetch, type DemoClient, type DemoProtocol } from './demo-clients.ts'
import { type Host, nameHost } from './hosts.ts'
import type { Stack } from './stack-file.ts'

/** Something that whoever runs the demo can put right; the message is a sentence for them. */
export class DemoError extends Error {
  override name = 'DemoError'
}

/** What the gateway says is wrong, as a sentence. */
export async function explainRefusal(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const body = JSON.parse(text) as Record<string, unknown>
    // MPP says it as problem+json.
    const { error = body.title, message = body.detail, request_id: id } = body
    return `The gateway answered ${response.status} ${error}: ${message}${id ? ` (request ${id})` : ''}`
  } catch {
    return `The gateway answered ${response.status}: ${text.slice(0, 200)}`
  }
}

/** An error in words, with what lies behind it: fetch says only "fetch failed". */
export function explainFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause ? `${error.message}: ${explainFailure(error.cause)}` : error.message
}

/** Where to call, and the `fetch` that takes a challenge from a host that gives one for the protocol. */
export function chooseHost(stack: Stack, protocol: DemoProtocol, host: Host, path: string) {
  const offered = host === 'apex' || host === protocol
  const url = nameHost(stack.gateway, host) + path
  return { url, fetch: offered ? fetch : createRedirectedFetch(stack.gateway + path), offered }
}

/** Says what was paid. @throws DemoError when the answer names no payment */
export async function reportPayment(client: DemoClient, response: Response, before: bigint): Promise<void> {
  const format = (units: bigint): string => `${formatUnits(units, 6)} ${client.currency}`
  const transaction = client.readTransaction(response)
  if (!transaction) throw new DemoError('The gateway answered, but names no payment.')
  const paid = await client.readPaid(transaction)
  const after = await client.readBalance()
  const fee = before - after - paid
  console.log(`paid   ${format(paid)} from ${client.payer} to ${client.payTo}`)
  console.log(`       transaction ${transaction}`)
  const gas = fee > 0n ? `; the transaction itself cost ${format(fee)}` : ''
  console.log(`       the payer had ${format(before)} and has ${format(after)}${gas}`)
}
