import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { readOdd } from '../images/odd-images.ts'
import { createPhoton } from './kit.ts'

const readSize = ({ width, height }: { width: number; height: number }) => [width, height]

describe('photon', () => {
  it('takes no memory before it is used', () => {
    expect(createPhoton().bytes).toBe(0)
  })

  it('takes a file in parts', () => {
    const file = readOdd('base.png')
    const parts = [file.subarray(0, 7), file.subarray(7, 900), file.subarray(900)]
    expect(createPhoton().decode(parts, readSize)).toEqual([300, 200])
  })

  it('reuses the memory of one picture for the next', () => {
    const photon = createPhoton()
    const work = () => {
      photon.decode([readOdd('base.jpg')], readSize)
      photon.encode({ pixels: new Uint8Array(300 * 200 * 4).fill(99), width: 300, height: 200 }, 'jpeg')
      return photon.bytes
    }
    const first = work()
    for (let i = 0; i < 30; i += 1) work()
    expect(work()).toBe(first)
  })

  it('lets go of an instance after a hundred files that it could not decode', () => {
    const photon = createPhoton()
    for (let i = 0; i < 99; i += 1) expect(photon.decode([readOdd('trunc.png')], readSize)).toBeNull()
    expect(photon.bytes).toBeGreaterThan(0)
    expect(photon.decode([readOdd('trunc.png')], readSize)).toBeNull()
    expect(photon.bytes).toBe(0)
    expect(photon.decode([readOdd('base.png')], readSize)).toEqual([300, 200])
  })

  it('lets go of an instance that has taken more than pictures within the limit need', async () => {
    const photon = createPhoton()
    const large = await sharp({ create: { width: 4000, height: 2000, channels: 3, background: '#666' } })
      .jpeg()
      .toBuffer()
    expect(photon.decode([large], () => photon.bytes)).toBeGreaterThan(80 << 20)
    expect(photon.bytes).toBe(0)
  })

  it('lets go of an instance that stopped while it wrote, and of one whose user failed', () => {
    const photon = createPhoton()
    const tooWide = { pixels: new Uint8Array(70_000 * 4), width: 70_000, height: 1 }
    expect(() => photon.encode(tooWide, 'jpeg')).toThrow()
    expect(photon.bytes).toBe(0)
    const fail = () => {
      throw new Error('ours')
    }
    expect(() => photon.decode([readOdd('base.png')], fail)).toThrow('ours')
    expect(photon.bytes).toBe(0)
  })
})
