import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { startWorld, type World } from '../../workers/local/world.ts'
import { bundleWorker, root } from './bundle.ts'
import { type Bench, type Row, round } from './table.ts'
import { startWorkerd } from './workerd.ts'

const calls = 60
const warmUps = 30
const rounds = 3

const photo = readFileSync(join(root, 'test/fixtures/photos/flower.jpg'))
const field = (name: string, type: string) => ({ name, type })
const types = {
  TransferWithAuthorization: [
    ...[field('from', 'address'), field('to', 'address'), field('value', 'uint256'), field('validAfter', 'uint256')],
    ...[field('validBefore', 'uint256'), field('nonce', 'bytes32')],
  ],
}

/** The header of a fresh payment of $0.05. */
async function sign(world: World, payer: PrivateKeyAccount): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const nonce = `0x${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex')}` as const
  const text = { value: '50000', validAfter: '0', validBefore: `${now + 300}` }
  const message = {
    from: payer.address,
    to: world.payTo,
    value: 50_000n,
    validAfter: 0n,
    validBefore: BigInt(now + 300),
    nonce,
  }
  const domain = { name: 'USDC', version: '2', chainId: world.chainId, verifyingContract: world.usdc }
  const signature = await payer.signTypedData({ domain, types, primaryType: 'TransferWithAuthorization', message })
  const payload = { signature, authorization: { from: payer.address, to: world.payTo, nonce, ...text } }
  const envelope = { x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }
  return Buffer.from(JSON.stringify(envelope)).toString('base64')
}

async function countFacilitatorCalls(world: World): Promise<number> {
  return ((await (await fetch(`${world.facilitator}/_log`)).json()) as unknown[]).length
}

export const gateway: Bench = {
  name: 'gateway',
  about:
    'CPU of the gateway in raw workerd per call: its own work, with a matte Worker that answers 1 MB at once and a ' +
    `store that keeps nothing; facilitator and chain run outside (${calls} calls in a row after ${warmUps}, best of ${rounds}).`,
  async run() {
    const world = await startWorld()
    const bundle = bundleWorker('test/bench/workers/gateway.toml')
    const vars = { ...world.gatewayVars('http://localhost:8787') }
    const objects = { LEDGER: 'PaymentLedger', IDEMPOTENCY_KEY: 'IdempotencyKey', STANDING: 'Standing' }
    const workerd = await startWorkerd(bundle, { vars, objects })
    const payer = privateKeyToAccount(world.demo.evmKey)
    const url = `${workerd.url}v1/remove-background`

    async function call(headers: Record<string, string>, expected: number): Promise<void> {
      const answer = await fetch(url, {
        method: 'POST',
        body: photo,
        headers: { 'Content-Type': 'image/jpeg', ...headers },
      })
      const said = await answer.text()
      if (answer.status !== expected) throw new Error(`answered ${answer.status} instead of ${expected}: ${said}`)
    }
    async function measure(name: string, make: () => Promise<Record<string, string>>, expected: number): Promise<Row> {
      const times: number[] = []
      for (let i = 0; i < warmUps; i += 1) await call(await make(), expected)
      const before = await countFacilitatorCalls(world)
      for (let round = 0; round < rounds; round += 1) {
        const headers = await Promise.all(Array.from({ length: calls }, make))
        const started = workerd.readCpu()
        for (const one of headers) await call(one, expected)
        times.push(((workerd.readCpu() - started) * 1000) / calls)
      }
      const asked = ((await countFacilitatorCalls(world)) - before) / (calls * rounds)
      return { call: name, 'CPU, ms': round(Math.min(...times)), 'facilitator calls': round(asked, 2) }
    }
    try {
      return [
        await measure('unpaid, 402', async () => ({}), 402),
        await measure('paid, 200', async () => ({ 'X-PAYMENT': await sign(world, payer) }), 200),
        await measure(
          'paid with an Idempotency-Key, 200',
          async () => ({ 'X-PAYMENT': await sign(world, payer), 'Idempotency-Key': crypto.randomUUID() }),
          200,
        ),
      ]
    } finally {
      await workerd.stop()
      await world.stop()
    }
  },
}
