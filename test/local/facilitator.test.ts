import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createChainClient } from '../../workers/local/chain.ts'
import { startFacilitator } from '../../workers/local/facilitator.ts'
import { tokenAbi } from '../../workers/local/token.ts'
import { deriveAccount, wallets } from '../../workers/local/wallets.ts'
import { startWorld, type World } from '../../workers/local/world.ts'
import { type Authorization, createFacilitatorCall, signAuthorization } from './authorization.ts'

const PRICE = 50_000n
let world: World
let client: ReturnType<typeof createChainClient>

beforeAll(async () => {
  world = await startWorld()
  client = createChainClient(world.rpc, world.chainId, deriveAccount(wallets.minter))
})
afterAll(() => world.stop())
afterEach(() => setFaults([]))

type Op = 'verify' | 'settle'

const request = (path: string, body: unknown) =>
  fetch(`${world.facilitator}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

async function ask(op: Op, authorization: Authorization): Promise<Record<string, unknown>> {
  const response = await request(`/${op}`, createFacilitatorCall(authorization))
  return (await response.json()) as Record<string, unknown>
}

const setFaults = (faults: unknown) => request('/_fault', faults)

async function readLog(): Promise<{ op: Op }[]> {
  const response = await fetch(`${world.facilitator}/_log`)
  return (await response.json()) as { op: Op }[]
}

const readBalance = (owner: `0x${string}`) =>
  client.readContract({ address: world.usdc, abi: tokenAbi, functionName: 'balanceOf', args: [owner] })

async function signPayment(funds = PRICE): Promise<Authorization> {
  const payer = privateKeyToAccount(generatePrivateKey())
  if (funds > 0n) await world.mint(payer.address, funds)
  return signAuthorization(payer, world.payTo, PRICE)
}

/** How many units the receiver gained while this ran. */
async function measureGain(run: () => Promise<unknown>): Promise<bigint> {
  const before = await readBalance(world.payTo)
  await run()
  return (await readBalance(world.payTo)) - before
}

describe('payments', () => {
  it('verifies without moving anything, and settles exactly the amount once', async () => {
    const payment = await signPayment(PRICE + 7n)
    expect(await measureGain(async () => expect(await ask('verify', payment)).toMatchObject({ isValid: true }))).toBe(
      0n,
    )
    const gain = await measureGain(async () => {
      expect(await ask('settle', payment)).toMatchObject({
        success: true,
        transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
        payer: payment.from,
      })
    })
    expect([gain, await readBalance(payment.from)]).toEqual([PRICE, 7n])
    expect(await ask('settle', payment)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
    })
  })

  it('refuses a payer without funds, and a signature over another amount, by name', async () => {
    const [poor, honest] = await Promise.all([signPayment(0n), signPayment()])
    expect(await ask('verify', poor)).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_exact_evm_insufficient_balance',
    })
    expect(await ask('verify', { ...honest, value: PRICE - 1n })).toMatchObject({
      isValid: false,
      invalidReason: 'invalid_exact_evm_signature',
    })
  })

  it('settles one payment once when asked four times at once, and all of many different ones', async () => {
    const one = await signPayment()
    const gain = await measureGain(async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => ask('settle', one)))
      expect(answers.filter(({ success }) => success)).toHaveLength(1)
    })
    expect(gain).toBe(PRICE)
    const many = await Promise.all(Array.from({ length: 8 }, () => signPayment()))
    expect(await measureGain(() => Promise.all(many.map((payment) => ask('settle', payment))))).toBe(8n * PRICE)
  })

  it('says that it supports exact on this chain in both versions', async () => {
    const response = await fetch(`${world.facilitator}/supported`)
    const { kinds } = (await response.json()) as { kinds: { x402Version: number; network: string }[] }
    expect(kinds).toContainEqual(expect.objectContaining({ x402Version: 2, scheme: 'exact', network: 'eip155:84532' }))
    expect(kinds).toContainEqual(expect.objectContaining({ x402Version: 1, scheme: 'exact', network: 'base-sepolia' }))
  })
})

describe('malformed calls', () => {
  it.each([
    ['no JSON', '{'],
    ['null', null],
    ['an empty object', {}],
    ['a payment without payload', { paymentPayload: { x402Version: 2 }, paymentRequirements: {} }],
    [
      'a network that it does not serve',
      {
        paymentPayload: { x402Version: 2, payload: {}, accepted: {} },
        paymentRequirements: { scheme: 'exact', network: 'eip155:1' },
      },
    ],
  ])('%s: 400 with a JSON error', async (_, body) => {
    const response = await request('/verify', body)
    expect([response.status, await response.json()]).toEqual([400, { error: expect.any(String) }])
  })
})

describe('the log', () => {
  it('has one entry for each call, refused and malformed ones too', async () => {
    const start = (await readLog()).length
    const payment = await signPayment()
    await ask('verify', payment)
    await ask('settle', payment)
    await request('/settle', '{')
    const entries = (await readLog()).slice(start)
    expect(entries.map(({ op }) => op)).toEqual(['verify', 'settle', 'settle'])
  })

  it('has the entry when the call arrives, before it is answered', async () => {
    const start = (await readLog()).length
    await setFaults([{ op: 'settle', mode: 'delay', ms: 60_000 }])
    const left = new AbortController()
    const pending = fetch(`${world.facilitator}/settle`, { method: 'POST', body: '{}', signal: left.signal })
    await expect.poll(async () => (await readLog()).slice(start).map(({ op }) => op)).toEqual(['settle'])
    left.abort()
    await expect(pending).rejects.toThrow()
  })
})

describe('faults', () => {
  it.each([
    ['500', { mode: '500' }, 500, /Internal Server Error/],
    ['html', { mode: 'html' }, 200, /<html>/],
    ['json', { mode: 'json', body: { isValid: false } }, 200, /^{"isValid":false}$/],
    ['json with a status', { mode: 'json', body: 'no', status: 418 }, 418, /^"no"$/],
  ])('%s answers instead of the work', async (_, fault, status, body) => {
    const payment = await signPayment()
    await setFaults([{ op: 'settle', ...fault }])
    const gain = await measureGain(async () => {
      const response = await request('/settle', createFacilitatorCall(payment))
      expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(body)])
    })
    expect(gain).toBe(0n)
  })

  it('after: the money moves and the answer is lost', async () => {
    const payment = await signPayment()
    await setFaults([{ op: 'settle', mode: '500', when: 'after' }])
    const gain = await measureGain(async () => {
      expect((await request('/settle', createFacilitatorCall(payment))).status).toBe(500)
    })
    expect(gain).toBe(PRICE)
  })

  it('delay goes on as usual after its time', async () => {
    const payment = await signPayment()
    await setFaults([{ op: 'verify', mode: 'delay', ms: 80 }])
    const start = performance.now()
    expect(await ask('verify', payment)).toMatchObject({ isValid: true })
    expect(performance.now() - start).toBeGreaterThanOrEqual(79)
  })

  it('count: that often, then as usual; without it until the list is replaced', async () => {
    const payment = await signPayment()
    const verify = async () => (await request('/verify', createFacilitatorCall(payment))).status
    await setFaults([{ op: 'verify', mode: '500', count: 2 }])
    expect([await verify(), await verify(), await verify()]).toEqual([500, 500, 200])
    await setFaults([{ op: 'verify', mode: '500' }])
    expect([await verify(), await verify(), await verify()]).toEqual([500, 500, 500])
    await setFaults([])
    expect(await verify()).toBe(200)
  })

  it('strike only the operation that they name', async () => {
    const payment = await signPayment()
    await setFaults([{ op: 'settle', mode: '500' }])
    expect(await ask('verify', payment)).toMatchObject({ isValid: true })
  })

  it.each([
    ['no list', {}],
    ['an unknown mode', [{ op: 'verify', mode: 'fire' }]],
    ['no JSON', '['],
  ])('%s: 400 and the list stays as it was', async (_, body) => {
    await setFaults([{ op: 'verify', mode: '500' }])
    expect((await setFaults(body)).status).toBe(400)
    expect((await request('/verify', createFacilitatorCall(await signPayment()))).status).toBe(500)
  })
})

it('answers settlement_pending with the transaction when no block comes', async () => {
  const hasty = await startFacilitator({
    rpc: world.rpc,
    chainId: world.chainId,
    account: deriveAccount(2),
    confirmationTimeoutMs: 50,
  })
  const payment = await signPayment()
  await client.setAutomine(false)
  try {
    const body = JSON.stringify(createFacilitatorCall(payment))
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }
    const answer = await (await fetch(`${hasty.url}/settle`, init)).json()
    expect(answer).toMatchObject({ errorReason: 'settlement_pending', transaction: expect.stringMatching(/^0x/) })
  } finally {
    await client.setAutomine(true)
    await hasty.stop()
  }
})
