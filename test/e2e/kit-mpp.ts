import { Challenge, Credential } from 'mppx'
import { Mppx, tempo } from 'mppx/client'
import { createClient, encodeFunctionData, type Hex, http, parseAbi } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { tempoModerato } from 'viem/tempo/chains'
import { installLocalhostLookup } from '../../workers/local/localhost.ts'
import { createCaller, ROUTE, stack } from './kit.ts'

installLocalhostLookup()

const PATH_USD = '0x20c0000000000000000000000000000000000000'
const rpc = createClient({ chain: tempoModerato, transport: http(stack.tempoRpc, { retryCount: 0 }) })
const callRpc = <Result>(method: string, params: unknown[]): Promise<Result> =>
  rpc.request({ method, params } as never) as Promise<Result>

/** The gateway under one of its other names, such as `mpp`. */
export const at = (label: string): string => `http://${label}.localhost:${new URL(stack.gateway).port}`

/** Gives an address pathUSD. */
export const fund = (address: Hex) => callRpc('tempo_fundAddress', [address])

/** A fresh wallet with pathUSD. */
export async function createTempoPayer(): Promise<PrivateKeyAccount> {
  const account = privateKeyToAccount(generatePrivateKey())
  await fund(account.address)
  return account
}

/** Units of pathUSD. */
export async function readTempoBalance(who: Hex): Promise<bigint> {
  const abi = parseAbi(['function balanceOf(address) view returns (uint256)'])
  const data = encodeFunctionData({ abi, functionName: 'balanceOf', args: [who] })
  return BigInt(await callRpc<Hex>('eth_call', [{ to: PATH_USD, data }, 'latest']))
}

/** Units of pathUSD that the receiver gained while `act` ran, and what `act` gave. */
export async function measureTempoIncome<Result>(act: () => Promise<Result>): Promise<[bigint, Result]> {
  const before = await readTempoBalance(stack.tempoPayTo)
  const result = await act()
  return [(await readTempoBalance(stack.tempoPayTo)) - before, result]
}

/** The stock client. It pays again on every 402 unless told otherwise. */
export const createMppClient = (account: PrivateKeyAccount, mode: 'pull' | 'push' = 'pull') => {
  const methods = [tempo.charge({ account, mode, getClient: () => rpc } as never)] as const
  return Mppx.create({ polyfill: false, maxPaymentRetries: 1, methods } as never) as unknown as {
    fetch: typeof fetch
    createCredential(response: Response): Promise<string>
  }
}

/** A fresh 402 of the gateway. */
export const askChallenge = (base = stack.gateway): Promise<Response> =>
  fetch(base + ROUTE, { method: 'POST', headers: createCaller() })

/**
 * A credential, as a header. The stock client does not push where pull alone is offered, so for a push it is shown a
 * challenge that allows it, and the credential carries the true one: the memo binds realm and id alone. `change` alters
 * the signed transaction of a pull.
 */
export async function signMpp(
  account: PrivateKeyAccount,
  {
    mode = 'pull',
    challenge,
    change,
  }: { mode?: 'pull' | 'push'; challenge?: Response; change?: (raw: Hex) => Hex } = {},
): Promise<{ Authorization: string }> {
  const original = Challenge.fromResponse(challenge ?? (await askChallenge()))
  const methodDetails = { ...(original.request.methodDetails as object), supportedModes: ['pull', 'push'] }
  const shown = mode === 'push' ? { ...original, request: { ...original.request, methodDetails } } : original
  const headers = { 'www-authenticate': Challenge.serialize(shown) }
  const made = await createMppClient(account, mode).createCredential(new Response(null, { status: 402, headers }))
  const credential = Credential.deserialize<{ type: string; signature: Hex }>(made)
  const { payload } = credential
  const changed = change ? { ...payload, signature: change(payload.signature) } : payload
  return { Authorization: Credential.serialize({ ...credential, payload: changed, challenge: original }) }
}

export const readMppReceipt = ({ headers }: Response): Record<string, string> =>
  JSON.parse(Buffer.from(headers.get('payment-receipt') ?? '', 'base64url').toString())

/** Runs `act` while the Tempo node has these faults. */
export async function withTempoFaults<Result>(faults: readonly object[], act: () => Promise<Result>): Promise<Result> {
  const set = (list: readonly object[]) =>
    fetch(`${stack.tempoRpc}/_fault`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(list),
    })
  try {
    const answer = await set(faults)
    if (!answer.ok) throw new Error(`the fault hook answered ${answer.status}: ${await answer.text()}`)
    return await act()
  } finally {
    await set([])
  }
}
