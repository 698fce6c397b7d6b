import { Challenge, Credential as MppCredential } from 'mppx'
import { Mppx, tempo as tempoClient } from 'mppx/client'
import { TxEnvelopeTempo } from 'ox/tempo'
import { createClient, http } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { tempoModerato } from 'viem/tempo/chains'
import type { Ask, Credential, PaymentProtocol } from '../../src/payments/protocol.ts'
import { createMpp, type MppConfig } from '../../src/payments/protocols/mpp.ts'
import { createTempo } from '../../src/payments/tempo.ts'
import { startTempoChain } from '../../workers/local/tempo/chain.ts'
import { signEnvelope, type TempoWallet } from '../local/tempo-wallet.ts'

export const payTo = '0x14dC79964da2C08b23698B3D3cc7Ca32193d9955'
export const ask: Ask = {
  method: 'POST',
  route: '/v1/remove-background',
  resource: 'https://mpp.pixtoll.example/v1/remove-background',
  realm: 'mpp.pixtoll.example',
  description: 'Remove the background of an image',
  mimeType: 'image/png',
  price: '0.05',
}
const unpaid = { error: 'payment_required', message: '' }

/** The protocol over a Tempo dev chain of its own, and the stock client that pays it. */
export async function startMpp() {
  const chain = await startTempoChain()
  const create = (change: Partial<MppConfig> = {}, tempo = createTempo(chain.rpc)): PaymentProtocol =>
    createMpp(
      {
        chainId: 42431,
        payTo,
        rpcUrl: chain.rpc,
        secretKey: 'k'.repeat(32),
        previousSecretKey: null,
        sponsorKey: null,
        ...change,
      },
      tempo,
      () => true,
    )

  const protocol = create()

  async function readChallenge(from = protocol, asked = ask): Promise<Challenge.Challenge> {
    const { headers } = await from.challenge(asked, unpaid)
    return Challenge.deserialize(headers[0]?.[1] ?? '')
  }

  const read = (credential: Parameters<typeof MppCredential.serialize>[0], by = protocol): Credential => {
    const read = by.read(new Headers({ authorization: MppCredential.serialize(credential) }))
    if (!read) throw new Error('no credential')
    return read
  }

  const createPayer = (units = 1_000_000n) => {
    const account = privateKeyToAccount(generatePrivateKey())
    chain.mint(account.address, units)
    return account
  }

  /** What the stock client signs for a challenge. */
  async function sign(challenge: Challenge.Challenge, account = createPayer()): Promise<MppCredential.Credential> {
    const getClient = () => createClient({ chain: tempoModerato, transport: http(chain.rpc, { retryCount: 0 }) })
    const client = Mppx.create({ polyfill: false, methods: [tempoClient.charge({ account, getClient } as never)] })
    const headers = { 'www-authenticate': Challenge.serialize(challenge) }
    return MppCredential.deserialize(await client.createCredential(new Response(null, { status: 402, headers })))
  }

  /** The same payment by another wallet or with changes, signed by hand. */
  async function signByHand(challenge: Challenge.Challenge, wallet: TempoWallet, change: object = {}) {
    const made = await sign(challenge)
    const { signature } = made.payload as { signature: TxEnvelopeTempo.Serialized }
    const { signature: _, from: __, ...envelope } = TxEnvelopeTempo.deserialize(signature)
    chain.mint(wallet.address, 1_000_000n)
    const raw = signEnvelope(wallet, { ...envelope, ...change } as never)
    return { ...made, payload: { type: 'transaction', signature: raw } }
  }

  return { chain, protocol, create, readChallenge, read, createPayer, sign, signByHand }
}

export type MppStand = Awaited<ReturnType<typeof startMpp>>

export const seconds = (): number => Math.floor(Date.now() / 1000)
