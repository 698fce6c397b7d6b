import { describe, expect, it } from 'vitest'
import type { ImageHeader, JpegHeader } from '../../src/images/facts.ts'
import { chooseHosts, explainRefusal, findHost, type HostName, matteHosts } from '../../src/matte/choose-host.ts'
import { defaultMatteOptions, type MatteOptions } from '../../src/matte/options.ts'

const png = (width: number, height: number): ImageHeader => ({
  ...{ format: 'png', width, height, orientation: 1, profile: 'none', animated: false },
  ...{ bitDepth: 8, colourType: 2, interlaced: false },
})
const jpeg = (changes: Partial<JpegHeader>): ImageHeader => ({
  ...{ format: 'jpeg', width: 100, height: 100, orientation: 1, profile: 'none', animated: false },
  ...{ coding: 'baseline', precision: 8, components: 3, ...changes },
})
const both: readonly HostName[] = ['edge', 'container']

/** Names of the hosts to ask, in order, or the refusal. */
function choose(
  header: ImageHeader | null,
  options: Partial<MatteOptions> = {},
  available: readonly HostName[] = both,
  busy: readonly HostName[] = [],
): readonly HostName[] | string {
  const states = { available, busy: new Set(busy) }
  const hosts = chooseHosts(header, { ...defaultMatteOptions, ...options }, states)
  return typeof hosts === 'string' ? hosts : hosts.map(({ name }) => name)
}

describe.each([
  ['png', 2000, 2000],
  ['webp', 1000, 1000],
] as const)('a picture that is to be written as %s', (format, width, height) => {
  it('goes to the edge below and at its limit, with the Container behind it', () => {
    expect(choose(png(width, height - 1), { format })).toEqual(both)
    expect(choose(png(width, height), { format })).toEqual(both)
  })
  it('goes to the Container above it', () => {
    expect(choose(png(width, height + 1), { format })).toEqual(['container'])
    expect(choose(png(10_000, 10_000), { format })).toEqual(['container'])
  })
  it('is refused above it without a Container, naming the limit', () => {
    expect(choose(png(width, height), { format }, ['edge'])).toEqual(['edge'])
    expect(choose(png(width, height + 1), { format }, ['edge'])).toMatch(
      new RegExp(`this deployment takes ${(width * height).toLocaleString('en-US')} at most`),
    )
  })
})

describe('quality', () => {
  it('auto and fast begin at the edge, best is the Container alone', () => {
    expect(choose(png(10, 10), { quality: 'auto' })).toEqual(both)
    expect(choose(png(10, 10), { quality: 'fast' })).toEqual(both)
    expect(choose(png(10, 10), { quality: 'best' })).toEqual(['container'])
  })
  it('fast that does not fit the edge is the Container’s, too: it has the edge’s model', () => {
    expect(choose(png(5000, 5000), { quality: 'fast' })).toEqual(['container'])
  })
})

describe('a model of choice', () => {
  it('is the Container’s alone, whatever size the picture has', () => {
    expect(choose(png(10, 10), { model: 'isnet-1024' })).toEqual(['container'])
    expect(choose(png(5000, 5000), { model: 'isnet-1024' })).toEqual(['container'])
    expect(choose(png(10, 10), { model: 'isnet-1024' }, ['edge'])).toMatch(/nobody/)
  })
})

describe('a host that is busy', () => {
  it('is asked last', () => expect(choose(png(10, 10), {}, both, ['edge'])).toEqual(['container', 'edge']))
  it('is asked all the same where there is no other', () =>
    expect(choose(png(10, 10), {}, ['edge'], ['edge'])).toEqual(['edge']))
})

describe('a picture whose size is not known yet', () => {
  it('goes to whoever takes most, and then to the others', () => {
    expect(choose(null)).toEqual(['container', 'edge'])
    expect(choose(null, {}, ['edge'])).toEqual(['edge'])
  })
})

describe('what the edge does not decode', () => {
  const odd = {
    CMYK: jpeg({ components: 4 }),
    'an arithmetic JPEG': jpeg({ coding: 'arithmetic' }),
    'a profile of lookup tables': jpeg({ profile: 'foreign' }),
  }
  it.each(Object.entries(odd))('%s: goes to the Container, or is refused with the reason', (_, header) => {
    expect(choose(header)).toEqual(['container'])
    expect(choose(header, {}, ['edge'])).toMatch(/^The image is /)
  })
  it.each([{ coding: 'lossless' }, { coding: 'hierarchical' }, { precision: 12 }] as const)(
    'nor the Container does, is refused by both: %j',
    (changes) => {
      expect(choose(jpeg(changes))).toMatch(/^The image is a .*JPEG/)
      expect(choose(jpeg(changes), {}, ['edge'])).toMatch(/^The image is a .*JPEG/)
    },
  )
})

describe.each(matteHosts)('$name', ({ name }) => {
  const host = findHost(name)
  it('expects to be done before nobody waits any more', () => {
    const most = host.pixels.png
    expect(host.expectSeconds(most)).toBeLessThan(host.limitSeconds)
    // And before an authorization of 120 seconds ends, with time to collect.
    expect(host.limitSeconds).toBeLessThanOrEqual(100)
  })
  it('has a sentence for the caller', () => {
    const refusal = explainRefusal(host, jpeg({ precision: 12 }), defaultMatteOptions)
    expect(refusal).toMatch(/^The image is .*; send .*\.$/)
  })
})
