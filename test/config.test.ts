import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { generationModels } from '../src/generation/models.ts'
import { defaultMostDoubt } from '../src/matte/options.ts'

const keySecret = Buffer.alloc(64, 7).toString('base64')
const sound = {
  PUBLIC_URL: 'https://pixtoll.example.com/',
  EVM_NETWORK: 'eip155:8453',
  PAY_TO: '0x14dC79964da2C08b23698B3D3cc7Ca32193d9955',
  EVM_RPC_URL: 'https://rpc.example.com',
  CHALLENGE_SECRET: 'x'.repeat(32),
  FACILITATOR_URL: 'https://facilitator.example.com',
}

describe('readConfig', () => {
  it('reads a sound deployment', () => {
    expect(readConfig(sound)).toEqual({
      publicUrl: 'https://pixtoll.example.com',
      prices: { removeBackground: '0.05', upload: '0.01', storeYear: '0.01' },
      freeUploads: { perClient: 100, inAll: 10_000 },
      generation: { models: generationModels, providers: {}, allowPreview: false, warnings: [] },
      x402: {
        network: 'eip155:8453',
        payTo: sound.PAY_TO,
        rpcUrl: sound.EVM_RPC_URL,
        challengeSecret: sound.CHALLENGE_SECRET,
        facilitator: { url: sound.FACILITATOR_URL, cdp: null },
      },
      hosts: { x402: null, mpp: null, images: null },
      mostDoubt: defaultMostDoubt,
      mpp: null,
      maxUnpaidLossPerHour: '5',
      container: null,
      matteModels: [],
      adminToken: null,
      problems: [],
    })
  })

  it('reports every problem at once, each with its fix', () => {
    const { problems, x402 } = readConfig({ PRICE_REMOVE_BACKGROUND: 'five cents' })
    expect(x402).toBeNull()
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PUBLIC_URL',
      'PRICE_REMOVE_BACKGROUND',
      'EVM_NETWORK',
      'PAY_TO',
      'EVM_RPC_URL',
      'CHALLENGE_SECRET',
      'FACILITATOR_URL',
    ])
    expect(problems.filter((problem) => !/wrangler|must be/.test(problem))).toEqual([])
  })

  it.each([
    ['a wrong checksum', { PAY_TO: '0x14dC79964da2C08b23698B3D3cc7Ca32193d9956' }, /PAY_TO .*checksum/],
    ['no address', { PAY_TO: 'me' }, /PAY_TO/],
    ['a short secret', { CHALLENGE_SECRET: 'short' }, /CHALLENGE_SECRET is too short/],
    ['an unknown network', { EVM_NETWORK: 'eip155:1' }, /EVM_NETWORK must be/],
    ['a URL without a scheme', { EVM_RPC_URL: 'rpc.example.com' }, /EVM_RPC_URL is not a URL/],
    ['a CDP key of another kind', { CDP_API_KEY_ID: 'id', CDP_API_KEY_SECRET: 'pem' }, /CDP_API_KEY_SECRET .*Ed25519/],
    ['an address without a checksum', { PAY_TO: sound.PAY_TO.toLowerCase() }, /PAY_TO .*checksum/],
    ['the zero address', { PAY_TO: `0x${'0'.repeat(40)}` }, /PAY_TO/],
    ['a public URL with a path', { PUBLIC_URL: 'https://pixtoll.example.com/a?b' }, /PUBLIC_URL must be scheme/],
    ['a facilitator that is no URL', { FACILITATOR_URL: 'x402' }, /FACILITATOR_URL is not a URL/],
    ['half of the CDP keys', { CDP_API_KEY_ID: 'id' }, /CDP_API_KEY_SECRET is missing/],
    ['a price in exponents', { PRICE_REMOVE_BACKGROUND: '1e3' }, /not a price/],
    ['a negative price', { PRICE_REMOVE_BACKGROUND: '-1' }, /not a price/],
    ['a price of nothing', { PRICE_REMOVE_BACKGROUND: '0.000000' }, /not a price/],
    ['a price finer than the asset', { PRICE_REMOVE_BACKGROUND: '0.0000001' }, /not a price/],
  ])('refuses %s', (_, change, problem) => {
    const config = readConfig({ ...sound, ...change })
    expect(config.problems).toEqual([expect.stringMatching(problem)])
    expect(config.x402).toBeNull()
  })

  it('never repeats a value: some are secrets', () => {
    const { problems } = readConfig({
      ...sound,
      CHALLENGE_SECRET: 'hunter2',
      PAY_TO: 'hunter2',
      EVM_RPC_URL: 'hunter2',
    })
    expect(problems).toHaveLength(3)
    expect(problems.join()).not.toContain('hunter2')
  })

  it('prefers the CDP facilitator when its keys are set', () => {
    const { x402 } = readConfig({ ...sound, CDP_API_KEY_ID: 'id', CDP_API_KEY_SECRET: keySecret })
    expect(x402?.facilitator).toEqual({
      url: 'https://api.cdp.coinbase.com/platform/v2/x402',
      cdp: { keyId: 'id', keySecret },
    })
  })

  describe('with MPP', () => {
    const tempo = {
      MPP_SECRET_KEY: 'm'.repeat(32),
      TEMPO_CHAIN_ID: '4217',
      TEMPO_RPC_URL: 'https://rpc.tempo.example.com',
      TEMPO_PAY_TO: sound.PAY_TO,
    }

    it('reads it beside x402', () => {
      const config = readConfig({ ...sound, ...tempo, MPP_HOST: 'mpp.example.com' })
      expect(config).toMatchObject({
        hosts: { mpp: 'mpp.example.com' },
        mpp: { chainId: 4217, payTo: sound.PAY_TO, previousSecretKey: null, sponsorKey: null },
        problems: [],
      })
    })

    it.each([
      ['half of it', { MPP_SECRET_KEY: '' }, /MPP_SECRET_KEY is (missing|empty)/],
      ['a testnet beside a mainnet', { TEMPO_CHAIN_ID: '42431' }, /both be mainnets/],
      ['an unknown network', { TEMPO_CHAIN_ID: '1' }, /TEMPO_CHAIN_ID must be/],
      ['a sponsor that is no key', { MPP_FEE_PAYER_KEY: 'me' }, /MPP_FEE_PAYER_KEY is not a private key/],
      ['one host for two', { MPP_HOST: 'x.example.com', X402_HOST: 'x.example.com' }, /must be different hosts/],
      ['the apex for another', { MPP_HOST: 'pixtoll.example.com' }, /must be different hosts/],
      ['a host with a port', { MPP_HOST: 'mpp.example.com:80' }, /MPP_HOST must be a host name/],
    ])('refuses %s, and sells nothing at all', (_, change, problem) => {
      const config = readConfig({ ...sound, ...tempo, ...change })
      expect(config.problems).toEqual([expect.stringMatching(problem)])
      expect([config.x402, config.mpp]).toEqual([null, null])
    })
  })

  it('reads the models that callers may choose of', () => {
    const read = (MATTE_MODELS: string) => readConfig({ ...sound, MATTE_MODELS })
    expect(read('isnet-1024,u2net-320').matteModels).toEqual(['isnet-1024', 'u2net-320'])
    expect([read('').matteModels, read('').problems]).toEqual([[], []])
    for (const wrong of ['isnet 1024', 'a, b', ',a', 'A']) {
      expect(read(wrong).problems).toEqual([expect.stringMatching(/^MATTE_MODELS is no list of models: .*wrangler/)])
    }
  })

  it('reads how much doubt of a matte is too much, as text or as a number of wrangler.toml', () => {
    const read = (MATTE_MOST_DOUBT: unknown) => readConfig({ ...sound, MATTE_MOST_DOUBT })
    expect([undefined, ''].map((value) => read(value).mostDoubt)).toEqual([defaultMostDoubt, defaultMostDoubt])
    expect(['0', 0, '0.25', 0.25, '1', 1].map((value) => read(value).mostDoubt)).toEqual([0, 0, 0.25, 0.25, 1, 1])
    for (const wrong of ['1.5', '-1', 'x', 2]) {
      expect(read(wrong).problems).toEqual([expect.stringMatching(/^MATTE_MOST_DOUBT must be a number from 0 to 1/)])
    }
  })

  it('reads where the Container is', () => {
    const container = { CONTAINER_URL: 'https://container.example.com/', CONTAINER_TOKEN: 't'.repeat(32) }
    const { container: read } = readConfig({ ...sound, ...container })
    expect(read).toEqual({ url: 'https://container.example.com', token: 't'.repeat(32) })
    expect(readConfig({ ...sound, CONTAINER_URL: 'my container' }).problems).toEqual([
      expect.stringMatching(/CONTAINER_URL is not a URL/),
    ])
  })

  it('takes an empty variable for a missing one', () => {
    expect(readConfig({ ...sound, CDP_API_KEY_ID: '', PRICE_REMOVE_BACKGROUND: '' }).problems).toEqual([])
  })
})
