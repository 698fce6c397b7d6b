import * as Rlp from 'ox/Rlp'
import { SignatureEnvelope } from 'ox/tempo'
import { bytesToHex, type Hex, hexToBytes, maxUint256, toHex } from 'viem'
import { expect, it } from 'vitest'
import { type Blockchain, createBlockchain } from '../../workers/local/tempo/blockchain.ts'
import { TEMPO_CHAIN_ID } from '../../workers/local/tempo/chain.ts'
import { RpcFailure } from '../../workers/local/tempo/failure.ts'
import { ALPHA_USD, FEE_MANAGER, PATH_USD } from '../../workers/local/tempo/tokens.ts'
import {
  createEnvelope,
  createMemo,
  createP256Wallet,
  createPasskeyWallet,
  createTransfer,
  createWallet,
  signEnvelope,
  type TempoWallet,
} from './tempo-wallet.ts'

/** The same numbers in every run (mulberry32): `random(n)` is a whole number below n. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Random = ReturnType<typeof createRandom>
type Tree = Hex | Tree[]

/** Changes the bytes, whatever they mean. */
function mutateBytes(raw: Hex, random: Random): Hex {
  const bytes = [...hexToBytes(raw)]
  const at = 1 + random(bytes.length - 1)
  const changes = [
    () => bytes.splice(at, 1, (bytes[at] ?? 0) ^ (1 << random(8))),
    () => bytes.splice(at, 1, random(256)),
    () => bytes.splice(at, 1),
    () => bytes.splice(at, 0, random(256)),
    () => bytes.splice(at, bytes.length),
    () => bytes.splice(at, 0, ...bytes.slice(at, at + 1 + random(40))),
    () => bytes.push(random(256)),
  ]
  changes[random(changes.length)]?.()
  return bytesToHex(Uint8Array.from(bytes))
}

/** Changes one field and writes its length right, so that it is read as what it now says. */
function mutateField(raw: Hex, random: Random): Hex {
  const tree = Rlp.toHex(`0x${raw.slice(4)}`) as Tree[]
  const leaves: [Tree[], number][] = []
  const collect = (list: Tree[]) => {
    for (const [index, node] of list.entries()) {
      leaves.push([list, index])
      if (Array.isArray(node)) collect(node)
    }
  }
  collect(tree)
  const [list, index] = leaves[random(leaves.length)] ?? [tree, 0]
  const [other, place] = leaves[random(leaves.length)] ?? [tree, 0]
  const node = list[index] ?? '0x'
  const words: Tree[] = ['0x', '0x00', '0x01', toHex(maxUint256), [], FEE_MANAGER, ALPHA_USD, createWallet().address]
  const changes: (() => Tree)[] = [
    () => words[random(words.length)] ?? '0x',
    () => (typeof node === 'string' && node.length > 4 ? mutateBytes(node, random) : toHex(random(2 ** 31))),
    () => structuredClone(other[place] ?? '0x'),
    () => [node],
  ]
  list[index] = changes[random(changes.length)]?.() ?? '0x'
  return `0x76${Rlp.fromHex(tree as never).slice(2)}`
}

const ORDERS = {
  secp256k1: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  p256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
}

/** The other signature that the curve allows for the same message. */
function twistSignature(wallet: TempoWallet): TempoWallet {
  return {
    address: wallet.address,
    sign(payload) {
      const { type, signature, ...rest } = wallet.sign(payload)
      if (!signature) throw new Error(`no twist for ${type}`)
      const s = (type === 'secp256k1' ? ORDERS.secp256k1 : ORDERS.p256) - signature.s
      const parity = type === 'secp256k1' ? { yParity: 1 - signature.yParity } : {}
      return SignatureEnvelope.from({ ...rest, type, signature: { ...signature, s, ...parity } } as never)
    },
  }
}

const funded = <Wallet extends TempoWallet>(chain: Blockchain, wallet: Wallet): Wallet => {
  for (const token of [PATH_USD, ALPHA_USD]) chain.vault.mint(token, wallet.address, 10_000_000n)
  return wallet
}

const counted = { nonceKey: 0n, nonce: 0n, validBefore: undefined }

it.each([
  ['an ordinary transaction', createWallet, {}, false],
  ['a p256 transaction', createP256Wallet, {}, false],
  ['a passkey transaction', createPasskeyWallet, {}, false],
  ['a sponsored transaction', createWallet, {}, true],
  ['a transaction with a counted nonce', createWallet, counted, false],
])('%s whose bytes were changed is refused, and moves nothing', (_, create, changes, sponsored) => {
  const random = createRandom(20_261_120)
  const chain = createBlockchain(TEMPO_CHAIN_ID)
  const payer = funded(chain, create())
  const sponsor = funded(chain, createWallet())
  const receiver = createWallet().address
  const envelope = createEnvelope([createTransfer(receiver, 50_000n, createMemo())], changes)
  const sign = (wallet: TempoWallet) => signEnvelope(wallet, envelope, sponsored ? sponsor : undefined)
  const raw = sign(payer)
  const readAll = () => [
    ...[payer.address, sponsor.address, receiver, FEE_MANAGER].flatMap((owner) =>
      [PATH_USD, ALPHA_USD].map((token) => chain.vault.read(token, owner)),
    ),
    chain.vault.sum(PATH_USD),
    chain.vault.sum(ALPHA_USD),
  ]
  const before = readAll()
  const mutants = Array.from({ length: 500 }, (_, index) => (index % 2 ? mutateBytes : mutateField)(raw, random))
  for (const mutant of [sign(twistSignature(payer)), ...mutants.filter((mutant) => mutant !== raw)]) {
    expect(() => chain.submit(mutant), mutant).toThrow(RpcFailure)
  }
  expect(readAll()).toEqual(before)

  chain.submit(raw)
  expect(chain.vault.read(PATH_USD, receiver)).toBe(50_000n)
  expect(() => chain.submit(sign(twistSignature(payer)))).toThrow(RpcFailure)
  expect(chain.vault.read(PATH_USD, receiver)).toBe(50_000n)
})

it('whatever is transferred, the sum of balances stays, and each has what the receipts say', () => {
  const random = createRandom(7)
  const chain = createBlockchain(TEMPO_CHAIN_ID)
  const wallets = [createWallet(), createWallet(), createWallet(), createP256Wallet()]
  const tokens = [PATH_USD, ALPHA_USD]
  for (const wallet of wallets) funded(chain, wallet)
  const sponsor = funded(chain, createWallet())
  const owners = [...wallets, sponsor].map(({ address }) => address)
  const expected = new Map<string, bigint>(
    tokens.flatMap((token) => owners.map((owner) => [token + owner, 10_000_000n] as const)),
  )
  const add = (entry: string, units: bigint) => expected.set(entry, (expected.get(entry) ?? 0n) + units)
  const pick = <Item>(list: readonly Item[]): Item => list[random(list.length)] as Item
  const readTopic = (topic: Hex | undefined) => `0x${topic?.slice(26)}`
  let mined = 0
  let reverted = 0

  for (let round = 0; round < 150; round++) {
    const payer = pick(wallets)
    const calls = Array.from({ length: 1 + random(3) }, () =>
      createTransfer(pick(owners), BigInt(random(9_000_000)), random(2) ? createMemo() : undefined, pick(tokens)),
    )
    const gas = { gas: BigInt(60_000 + random(150_000)) }
    try {
      const hash = chain.submit(signEnvelope(payer, createEnvelope(calls, gas), random(3) ? undefined : sponsor))
      const outcome = chain.findMined(hash)
      mined += 1
      if (!outcome?.succeeded) reverted += 1
      for (const { address, topics, data } of outcome?.events ?? []) {
        // The memo's event tells of the same transfer once more.
        if (topics.length === 4) continue
        add(address + readTopic(topics[1]), -BigInt(data))
        add(address + readTopic(topics[2]), BigInt(data))
      }
    } catch (error) {
      expect(error).toBeInstanceOf(RpcFailure)
    }
    for (const token of tokens) expect(chain.vault.sum(token)).toBe(50_000_000n)
  }
  for (const [entry, units] of expected) {
    expect(chain.vault.read(entry.slice(0, 42) as Hex, entry.slice(42) as Hex)).toBe(units)
  }
  expect([mined > 80, reverted > 20]).toEqual([true, true])
})
